"""The curves of the scores, CNN beside CNN-LSTM: precision and recall, ROC, reliability."""

import pandas as pd
from matplotlib.figure import Figure

from hohoho.figures.drawn import Drawn
from hohoho.figures.run import Run
from hohoho.figures.style import BLUE, GREY, SMALL_PT, TITLE_PT, VERMILLION, canvas, label_axes
from hohoho.inference.table import MODEL_NAMES

CAPTION = "Dashed: validation, and probabilities as they come; solid: test, and calibrated."
COLOURS = dict(zip(MODEL_NAMES, (BLUE, VERMILLION), strict=True))
DASHES = {"val": "--", "test": "-", "raw": "--", "calibrated": "-"}


def draw(run: Run) -> Drawn:
    """Of both models, where both were trained."""
    return Drawn(plot(run.scores.curves), CAPTION)


def plot(curves: dict[str, pd.DataFrame]) -> Figure:
    """curves: the tables precision_recall, roc and reliability of an `Evaluation`; what is empty is left out."""
    figure = canvas(3.35, "All slices and classes pooled")
    panels = figure.subplots(1, 3)
    _lines(panels[0], curves["precision_recall"], "recall")
    label_axes(panels[0], "recall", "best precision at this recall")
    _lines(panels[1], curves["roc"], "false_positive_rate")
    panels[1].plot([0, 1], [0, 1], ":", color=GREY, linewidth=1)
    label_axes(panels[1], "false positive rate", "true positive rate")
    _reliability(panels[2], curves["reliability"])
    label_axes(panels[2], "predicted probability", "observed frequency")
    for axes, title in zip(panels, ("Precision and recall", "ROC", "Reliability"), strict=True):
        axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
        axes.set_title(title, size=TITLE_PT - 1)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=SMALL_PT - 1, frameon=False)
    return figure


def _lines(axes, curve: pd.DataFrame, x: str) -> None:
    for model, name in MODEL_NAMES.items():
        for split in ("val", "test"):
            column = f"{model}_{split}"
            if column in curve and curve[column].notna().any():
                axes.plot(curve[x], curve[column], DASHES[split], color=COLOURS[model], label=f"{name}, {split}")


def _reliability(axes, curve: pd.DataFrame) -> None:
    axes.plot([0, 1], [0, 1], ":", color=GREY, linewidth=1)
    for model, name in MODEL_NAMES.items():
        for kind in ("raw", "calibrated"):
            x, y = f"{model}_{kind}_predicted", f"{model}_{kind}_observed"
            if x in curve and curve[x].notna().any():
                dots = curve[[x, y]].dropna()
                axes.plot(dots[x], dots[y], f"o{DASHES[kind]}", ms=3, color=COLOURS[model], label=f"{name}, {kind}")
