"""The report's sections with pictures: the poster's figures, saliency, curves and the worst slices."""

import pandas as pd

from hohoho.figures.drawn import CURVES, DISAGREEMENTS, EMBEDDINGS, GRADIENTS, NEIGHBOURS, SALIENCY, WORST, Drawn
from hohoho.report.score_sections import NO_LABELS, Section
from hohoho.scores.evaluation import Evaluation

FIGURES = (NEIGHBOURS, GRADIENTS, EMBEDDINGS, DISAGREEMENTS)
METHOD_NAMES = {
    "gradient": "gradient (the poster's)",
    "smoothgrad": "SmoothGrad",
    "integrated_gradients": "integrated gradients",
    "grad_cam": "Grad-CAM",
    "uniform": "uniform saliency, by chance",
}
SCORED = (
    "Scored on {} bleeds that the phantom drew and whose place is known. Pointing game: is the most salient pixel in "
    "the bleed? Share inside: how much of all saliency is, in brackets the middle half of the bleeds."
)
NOT_DRAWN = "Not drawn: evaluate.figures is off."


def curve_section(drawn: Drawn) -> Section:
    """Precision and recall, ROC, reliability."""
    return Section("Curves", "" if drawn.captions else NOT_DRAWN, {}, chosen(drawn, CURVES))


def worst_section(found: Evaluation, drawn: Drawn) -> Section:
    """The slices that the model got most wrong."""
    table = found.worst.drop(columns=["row", "patient"], errors="ignore")
    if table.empty:
        labelled = found.details["data"][found.shown]["labelled"]
        return Section("Worst slices", "Every answer was right." if labelled else NO_LABELS, {}, chosen(drawn, WORST))
    intro = "The surest misses and false alarms, at most one of each a scan."
    return Section("Worst slices", intro, {"": table}, chosen(drawn, WORST))


def saliency_section(drawn: Drawn) -> Section:
    """The trial of the saliency methods, and figure 6."""
    if not drawn.captions:
        return Section("Saliency", NOT_DRAWN)
    intro = "No bleed's place is known in this data, so the methods cannot be scored."
    if len(drawn.saliency):
        intro = SCORED.format(drawn.saliency["bleeds"].iloc[0])
    return Section("Saliency", intro, {"": saliency_table(drawn.saliency)}, chosen(drawn, SALIENCY))


def saliency_table(saliency: pd.DataFrame) -> pd.DataFrame:
    """The methods beside chance."""
    lines = [
        [
            METHOD_NAMES[row.method],
            f"{row.pointing_game:.1%}",
            f"{row.share_inside:.1%} ({row.share_q25:.1%}–{row.share_q75:.1%})",
            f"{row.times_uniform:.1f} ×",
        ]
        for row in saliency.itertuples()
    ]
    return pd.DataFrame(lines, columns=["method", "pointing game", "share inside", "against uniform"])


def figure_section(drawn: Drawn) -> Section:
    """The poster's other figures, and the probe's R²."""
    tables = {"Level read off the embedding by a linear probe": drawn.probe}
    return Section("The poster's figures", "" if drawn.captions else NOT_DRAWN, tables, chosen(drawn, *FIGURES))


def chosen(drawn: Drawn, *names: str) -> dict[str, str]:
    """These pictures with their captions, where they were drawn."""
    return {name: drawn.captions[name] for name in names if name in drawn.captions}
