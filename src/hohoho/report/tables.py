"""Tables of the report: what a cell says, already rounded; the template escapes it."""

from typing import NamedTuple

import numpy as np
import pandas as pd

NOTHING = "–"


class Table(NamedTuple):
    """Head and lines of equal length, all text. The first column is a heading; the others are numbers."""

    head: list[str]
    lines: list[list[str]]
    title: str = ""


def text(value) -> str:
    """A cell: counts with thousands, other numbers to three digits, nothing as a dash, all else as it is."""
    if value is None or value is pd.NA or (isinstance(value, float | np.floating) and not np.isfinite(value)):
        return NOTHING
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    if isinstance(value, float | np.floating):
        return f"{value:.3f}"
    return str(value)


def score(value: dict | None) -> str:
    """{"value", "low", "high"} → "0.594 (0.551–0.634)", the interval where there is one."""
    if value is None or value["value"] is None:
        return NOTHING
    return text(value["value"]) + interval(value)


def interval(value: dict) -> str:
    """ " (low–high)" of a dict with these two, empty where they are None; "to" after a minus sign."""
    low, high = value["low"], value["high"]
    if low is None or high is None:
        return ""
    return f" ({low:.3f}{'–' if low >= 0 else ' to '}{high:.3f})"


def heading(column) -> str:
    """A column's name as people write it."""
    return str(column).replace("_", " ").replace("f2", "F2").replace("auroc", "AUROC").replace("r2", "R²")


def of_frame(frame: pd.DataFrame, title: str = "") -> Table:
    """A data frame as it is, its columns' underscores as spaces."""
    lines = [[text(value) for value in line] for line in frame.itertuples(index=False, name=None)]
    return Table([heading(column) for column in frame], lines, title)


def of_pairs(pairs: dict, head: tuple[str, str], title: str = "") -> Table:
    """Two columns: names and values."""
    return Table(list(head), [[str(name), text(value)] for name, value in pairs.items()], title)
