"""What the report's tables look like: filters of the template, which escapes what they give."""

import numpy as np
import pandas as pd

NOTHING = "–"


def text(value) -> str:
    """A cell: counts with thousands, other numbers to three digits, nothing as a dash, all else as it is.

    A score {"value", "low", "high"} shows its interval, where it has one: "0.594 (0.551–0.634)".
    """
    if isinstance(value, dict):
        return text(value["value"]) + interval(value)
    if pd.isna(value):
        return NOTHING
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    return f"{value:.3f}" if isinstance(value, float | np.floating) else str(value)


def interval(value: dict) -> str:
    """ " (low–high)" of a dict with these two, empty where they are unknown; "to" after a minus sign."""
    low, high = value["low"], value["high"]
    if pd.isna(low) or pd.isna(high):
        return ""
    return f" ({low:.3f}{'–' if low >= 0 else ' to '}{high:.3f})"


def heading(column: str) -> str:
    """A column's name as people write it."""
    return column.replace("_", " ").replace("f2", "F2").replace("auroc", "AUROC").replace("r2", "R²")
