"""The wide tables of the scores, drawn together for reading: a number and its interval in one cell."""

import pandas as pd

from hohoho.inference.table import MODEL_NAMES
from hohoho.labels import LABELS
from hohoho.report.tables import NOTHING, Table, heading, score, text

POINTS = {
    "fixed": "as set",
    "f2_global": "best F2, one for all",
    "f2_per_class": "best F2, per class",
    "scan_sensitivity_95": "95 % scan sensitivity",
}
POINT_COLUMNS = (
    *(f"threshold_{label}" for label in LABELS),
    *("f2_val", "f2_test", "precision_test", "recall_test", "scan_sensitivity_test", "scan_specificity_test"),
)
SUBGROUP_HEAD = ["group", "patients", "slices", "positives"]
SUBGROUP_HEAD += ["F2", "recall", "precision", "specificity", "AUROC", "bleeds found"]
SMOOTHING_HEAD = ["class", "F2", "F2, smoothed", "gain", "filled: right / wrong", "dropped: right / wrong"]
SMOOTHING_HEAD += ["single-slice bleeds", "found", "erased"]
SINGLE_SLICE = ("single_slice_bleeds", "single_slice_bleeds_found", "single_slice_bleeds_erased")


def subgroup_table(subgroups: pd.DataFrame) -> Table:
    """A line per group of `hohoho.scores.subgroups`."""
    lines = [
        [
            row["by"].replace("_", " ") + row["group"].removeprefix(row["by"]),  # a kernel's name stays as it is
            *(count(row[name]) for name in ("patients", "slices", "positives")),
            *(_with_interval(row, name) for name in ("f2", "recall")),
            *(text(row[name]) for name in ("precision", "specificity", "auroc")),
            NOTHING if pd.isna(row["bleeds"]) else f"{row['bleeds_found']} of {row['bleeds']}",
        ]
        for _, row in subgroups.iterrows()
    ]
    return Table(SUBGROUP_HEAD, lines)


def point_table(points: pd.DataFrame) -> Table:
    """A line per model and operating point of the table operating_points."""
    head = ["threshold", *(heading(name.removeprefix("threshold_")) for name in POINT_COLUMNS)]
    lines = [[_point_name(row["point"]), *(text(row[name]) for name in POINT_COLUMNS)] for _, row in points.iterrows()]
    return Table(head, lines)


def _point_name(point: str) -> str:
    """'cnn_lstm, f2_global' → 'CNN-LSTM, best F2, one for all'."""
    model, _, name = point.partition(", ")
    return f"{MODEL_NAMES[model]}, {POINTS.get(name, name)}"


def smoothing_table(smoothing: pd.DataFrame) -> Table:
    """A line per class of `hohoho.scores.smoothing_counts`."""
    lines = [
        [
            row["class"],
            *(text(row[name]) for name in ("f2", "f2_smoothed")),
            _with_interval(row, "gain"),
            *(f"{row[f'{kind}_right']} / {row[f'{kind}_wrong']}" for kind in ("filled", "dropped")),
            *(count(row[name]) for name in SINGLE_SLICE),
        ]
        for _, row in smoothing.iterrows()
    ]
    return Table(SMOOTHING_HEAD, lines)


def count(value) -> str:
    """A whole number, whatever type its column took on."""
    return NOTHING if pd.isna(value) else text(int(value))


def _with_interval(row: pd.Series, name: str) -> str:
    ends = {end: None if pd.isna(row[f"{name}_{end}"]) else row[f"{name}_{end}"] for end in ("low", "high")}
    return score({"value": None if pd.isna(row[name]) else row[name], **ends})
