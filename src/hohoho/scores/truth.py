"""What the models are held against: the labels of slices, and what is known of scans."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from hohoho.labels import LABELS
from hohoho.scores.scan_scores import scan_truth
from hohoho.slices.split import SPLITS
from hohoho.slices.store import is_labelled


class Truth(NamedTuple):
    """A prediction table (see hohoho.inference.table), and what of it can be scored."""

    table: pd.DataFrame
    rows: dict[str, np.ndarray]  # split → rows of its labelled slices: those with all five labels
    scans: pd.DataFrame  # see hohoho.scores.scan_scores.scan_truth

    def targets(self, split: str) -> np.ndarray:
        """(slices, 5) of 0 and 1."""
        return self.table[LABELS].to_numpy()[self.rows[split]]

    def labelled(self) -> list[str]:
        """The splits that have labelled slices."""
        return [split for split in SPLITS if len(self.rows[split])]

    def scan_rows(self, split: str) -> np.ndarray:
        """(scans,) bool: the scans of a split whose five labels are known."""
        known = is_labelled(self.scans)
        return (known & (self.scans["split"] == split)).to_numpy()

    def any_scan(self, split: str) -> np.ndarray:
        """(scans,) bool: whether each scan of `scan_rows` has a bleed."""
        return self.scans.loc[self.scan_rows(split), LABELS].to_numpy().max(axis=1, initial=0) > 0


def truth_of(table: pd.DataFrame, studies: pd.DataFrame) -> Truth:
    """From the labels as given. table: every slice, scans whole; studies: the study table."""
    known = is_labelled(table)
    rows = {split: np.flatnonzero(known & (table["split"] == split).to_numpy()) for split in SPLITS}
    return Truth(table, rows, scan_truth(table, studies))
