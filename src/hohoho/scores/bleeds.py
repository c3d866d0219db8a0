"""True bleeds, as far as slice labels can tell: a run of consecutive positive slices of one class in one scan."""

import numpy as np
import pandas as pd

from hohoho.labels import LABELS


def bleed_table(table: pd.DataFrame, positive: np.ndarray) -> pd.DataFrame:
    """One row per bleed: its `class`, its first `row` in the table, how many `slices` show it, how many were `found`.

    table: slices with study, index and labels, scans contiguous and foot to head; positive: (slices, 5) bool answers.
    A negative, an unlabelled and a missing slice end a bleed.
    """
    if table.empty:
        return pd.DataFrame({"class": [], "row": [], "slices": [], "found": []})
    study, index = table["study"].to_numpy(), table["index"].to_numpy()
    joined = np.r_[False, (study[1:] == study[:-1]) & (index[1:] == index[:-1] + 1), False]
    parts = [_of_class(table[label].to_numpy() == 1, positive[:, c], joined) for c, label in enumerate(LABELS)]
    return pd.concat([part.assign(**{"class": label}) for label, part in zip(LABELS, parts, strict=True)])[
        ["class", "row", "slices", "found"]
    ].reset_index(drop=True)


def _of_class(truth: np.ndarray, positive: np.ndarray, joined: np.ndarray) -> pd.DataFrame:
    """joined: (slices + 1,) whether a slice follows the one before it."""
    before, after = np.r_[False, truth[:-1]] & joined[:-1], np.r_[truth[1:], False] & joined[1:]
    starts, ends = np.flatnonzero(truth & ~before), np.flatnonzero(truth & ~after) + 1
    found = np.r_[0, np.cumsum(truth & positive)]
    return pd.DataFrame({"row": starts, "slices": ends - starts, "found": found[ends] - found[starts]})
