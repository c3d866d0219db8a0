"""The curves of the scores, CNN beside CNN-LSTM: precision and recall, ROC, reliability."""

import pandas as pd
from matplotlib.figure import Figure

from hohoho.figures.colours import BLUE, GREY, VERMILLION
from hohoho.figures.drawn import Drawn
from hohoho.figures.run import Run
from hohoho.figures.style import SMALL_PT, TITLE_PT, canvas, label_axes
from hohoho.inference.table import MODEL_NAMES

CAPTION = "Dashed: validation, and probabilities as they come; solid: test, and calibrated."
TOGETHER = " CNN: the one that the training of both together started from."
COLOURS = dict(zip(MODEL_NAMES, (BLUE, VERMILLION), strict=True))
SPLIT_LINES, KIND_LINES = {"val": "--", "test": "-"}, {"raw": "o--", "calibrated": "o-"}  # formats of their lines


def draw(run: Run) -> Drawn:
    """Of both models, where both were trained."""
    return Drawn(plot(run.scores.curves), CAPTION if run.lstm is None else CAPTION + TOGETHER)


def plot(curves: dict[str, pd.DataFrame]) -> Figure:
    """curves: the tables precision_recall, roc and reliability of an `Evaluation`; what is empty is left out."""
    figure = canvas(3.35, "All slices and classes pooled")
    panels = figure.subplots(1, 3)
    plot_lines(panels[0], curves["precision_recall"], SPLIT_LINES, "recall", "{model}_{kind}")
    label_axes(panels[0], "recall", "best precision at this recall")
    plot_lines(panels[1], curves["roc"], SPLIT_LINES, "false_positive_rate", "{model}_{kind}")
    panels[1].plot([0, 1], [0, 1], ":", color=GREY, linewidth=1)
    label_axes(panels[1], "false positive rate", "true positive rate")
    panels[2].plot([0, 1], [0, 1], ":", color=GREY, linewidth=1)
    plot_lines(panels[2], curves["reliability"], KIND_LINES, "{model}_{kind}_predicted", "{model}_{kind}_observed")
    label_axes(panels[2], "predicted probability", "observed frequency")
    for axes, title in zip(panels, ("Precision and recall", "ROC", "Reliability"), strict=True):
        axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
        axes.set_title(title, size=TITLE_PT - 1)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=SMALL_PT - 1, frameon=False)
    return figure


def plot_lines(axes, curve: pd.DataFrame, kinds: dict[str, str], x: str, y: str) -> None:
    """A line per model and kind. kinds: its name → format of the line; x, y: columns of both."""
    for model, name in MODEL_NAMES.items():
        for kind, line in kinds.items():
            points = curve.reindex(columns=[column.format(model=model, kind=kind) for column in (x, y)]).dropna()
            if len(points):
                axes.plot(*points.to_numpy().T, line, ms=3, color=COLOURS[model], label=f"{name}, {kind}")
