"""The report's sections with pictures: curves, the worst slices, saliency, and all other figures."""

import pandas as pd

from hohoho.figures.drawn import Drawn
from hohoho.report.decision_sections import with_ends
from hohoho.report.score_sections import NO_LABELS, Section
from hohoho.report.tables import heading
from hohoho.saliency.scores import METHOD_NAMES, POSTER_METHOD
from hohoho.scores.bootstrap import MIN_PATIENTS
from hohoho.scores.evaluation import Evaluation

CURVES, WORST, SALIENCY = "curves", "worst_slices", "figure6_saliency"  # each has a section of its own
TITLES = {"level_probe": "Level read by a linear probe: embedding and controls"}  # of tables whose name says too little
MAX_LINES = 50  # a longer table is in metrics/tables/ only
SCORED = (
    "Scored on bleeds that the phantom drew and whose place is known; found or missed by the model's answer at the "
    "row's threshold. Pointing game: is the most salient pixel in the bleed? Share inside: how much of all saliency, "
    "with the quarters of the bleeds. Times uniform: against saliency that is the same everywhere. In brackets 95 % "
    f"intervals by bootstrap over the patients whose bleeds they are; none below {MIN_PATIENTS} patients."
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
    if scores.empty:
        text = "No bleed's place is known in this data, so the methods cannot be scored."
        return Section("Saliency", text, {}, captions(figures, SALIENCY))
    tables = {
        f"{group} bleeds: {part['bleeds'].iloc[0]}, of {part['patients'].iloc[0]} patients": saliency_table(part)
        for group, part in scores.groupby("group", sort=False)
    }
    return Section("Saliency", SCORED, tables, captions(figures, SALIENCY))


def saliency_table(scores: pd.DataFrame) -> pd.DataFrame:
    """A line per method; scores: one group of the table of `saliency_scores`."""
    names = [METHOD_NAMES[name] + " (the poster's)" * (name == POSTER_METHOD) for name in scores["method"]]
    return pd.DataFrame(
        {
            "method": names,
            "pointing game": with_ends(scores, "pointing_game"),
            "share inside": with_ends(scores, "share_inside"),
            "lower quarter": scores["share_q25"].tolist(),
            "upper quarter": scores["share_q75"].tolist(),
            "times uniform": with_ends(scores, "times_uniform"),
        }
    )


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
