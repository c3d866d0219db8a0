"""The report's sections with pictures: curves, the worst slices, saliency, and all other figures."""

import pandas as pd

from hohoho.figures.drawn import Drawn
from hohoho.report.score_sections import NO_LABELS, Section
from hohoho.report.tables import heading
from hohoho.saliency.scores import METHOD_NAMES, POSTER_METHOD
from hohoho.scores.evaluation import Evaluation

CURVES, WORST, SALIENCY = "curves", "worst_slices", "figure6_saliency"  # each has a section of its own
TITLES = {"level_probe": "Level read off the embedding by a linear probe"}  # of tables whose name says too little
MAX_LINES = 50  # a longer table is in metrics/tables/ only
SCORED = (
    "Scored on {} bleeds that the phantom drew and whose place is known. Pointing game: is the most salient pixel in "
    "the bleed? Share inside: how much of all saliency is, in brackets the middle half of the bleeds."
)
NOT_DRAWN = "Not drawn: evaluate.figures is off."


def curve_section(figures: dict[str, Drawn]) -> Section:
    """Precision and recall, ROC, reliability."""
    return Section("Curves", "" if figures else NOT_DRAWN, {}, captions(figures, CURVES))


def worst_section(found: Evaluation, figures: dict[str, Drawn]) -> Section:
    """The slices that the model got most wrong."""
    table = found.worst.drop(columns=["row", "patient"], errors="ignore")
    tables, text = {"": table}, "The surest misses and false alarms, at most one of each a scan."
    if table.empty:
        labelled = found.details["data"][found.shown]["labelled"]
        tables, text = {}, "Every answer was right." if labelled else NO_LABELS
    return Section("Worst slices", text, tables, captions(figures, WORST))


def saliency_section(figures: dict[str, Drawn]) -> Section:
    """The benchmark of the saliency methods, beside chance, and figure 6."""
    if not figures:
        return Section("Saliency", NOT_DRAWN)
    scores = figures[SALIENCY].tables["saliency"]
    lines = [
        [
            METHOD_NAMES[row.method] + " (the poster's)" * (row.method == POSTER_METHOD),
            f"{row.pointing_game:.1%}",
            f"{row.share_inside:.1%} ({row.share_q25:.1%}–{row.share_q75:.1%})",
            f"{row.times_uniform:.1f} ×",
        ]
        for row in scores.itertuples()
    ]
    text = "No bleed's place is known in this data, so the methods cannot be scored."
    table = pd.DataFrame(lines, columns=["method", "pointing game", "share inside", "against uniform"])
    text = SCORED.format(scores["bleeds"].iloc[0]) if lines else text
    return Section("Saliency", text, {"": table}, captions(figures, SALIENCY))


def figure_section(figures: dict[str, Drawn]) -> Section:
    """Every figure that has no section of its own, with its short tables."""
    others = [name for name in figures if name not in (CURVES, WORST, SALIENCY)]
    tables = {name: table for figure in others for name, table in figures[figure].tables.items()}
    short = {name: table for name, table in tables.items() if 0 < len(table) <= MAX_LINES}
    shown = {TITLES.get(name, heading(name)): table for name, table in short.items()}
    return Section("The poster's figures", "" if figures else NOT_DRAWN, shown, captions(figures, *others))


def captions(figures: dict[str, Drawn], *names: str) -> dict[str, str]:
    """File name → caption of these figures, where they were drawn."""
    return {f"{name}.png": figures[name].caption for name in names if name in figures}
