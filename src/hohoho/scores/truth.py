"""What is known of the slices and scans that are scored."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from hohoho.errors import InputError
from hohoho.inference.table import models_in, probabilities_of, with_any
from hohoho.labels import LABELS
from hohoho.slices.split import SPLITS, shown_split
from hohoho.slices.stacks import labelled_rows
from hohoho.slices.store import SCAN_ANY, SCAN_LABELS, is_labelled


class Truth(NamedTuple):
    """A prediction table (see hohoho.inference.table), and what of it can be scored."""

    table: pd.DataFrame
    rows: dict[str, np.ndarray]  # split → rows of its labelled slices: those with all five labels
    scans: pd.DataFrame  # see `scan_truth`

    def targets(self, split: str) -> np.ndarray:
        """(slices, 5) of 0 and 1."""
        return self.table[LABELS].to_numpy()[self.rows[split]]

    def labelled(self) -> list[str]:
        """The splits that have labelled slices."""
        return [split for split in SPLITS if len(self.rows[split])]

    def shown(self) -> str:
        """The split whose slices are looked at closely."""
        return shown_split(self.labelled())

    def scan_rows(self, split: str) -> np.ndarray:
        """(scans,) bool: the scans of a split whose five labels are known."""
        return is_labelled(self.scans) & (self.scans["split"] == split).to_numpy()

    def any_rows(self, split: str) -> np.ndarray:
        """(scans,) bool: the scans of a split of which any bleed is known, also where its type is not."""
        return (self.scans["any"].notna() & (self.scans["split"] == split)).to_numpy()

    def scan_targets(self, split: str) -> np.ndarray:
        """(scans, 6) of 0 and 1: what each scan of `scan_rows` has, the last column any bleed."""
        return with_any(self.scans.loc[self.scan_rows(split), LABELS].to_numpy())


def truth_of(table: pd.DataFrame, studies: pd.DataFrame) -> Truth:
    """From the labels as given. table: every slice, scans whole; studies: the study table."""
    return Truth(table, labelled_rows(table), scan_truth(table, studies))


def scan_truth(table: pd.DataFrame, studies: pd.DataFrame) -> pd.DataFrame:
    """Index study, columns patient, split, the five labels and any (NaN where unknown).

    A scan is positive where one of its slices is, negative where all are labelled and none is. What its slices leave
    open the study table's scan labels say, where there are any; they may know of a bleed and not of its type.
    """
    by_study = table.groupby("study", sort=True)
    truth = by_study[["patient", "split"]].first()
    found, missing = by_study[LABELS].max(), by_study[LABELS].agg(lambda column: column.isna().any())
    found = found.mask(missing & (found != 1))
    if set(SCAN_LABELS) <= set(studies):
        of_scan = studies.set_index("study")[SCAN_LABELS].set_axis(LABELS, axis=1)
        found = found.fillna(of_scan.reindex(found.index))
    found["any"] = found.max(axis=1).where(is_labelled(found))
    if SCAN_ANY in studies:
        found["any"] = found["any"].fillna(studies.set_index("study")[SCAN_ANY])
    return truth.join(found)


def refuse_nan(table: pd.DataFrame) -> None:
    """Raise `InputError` that names the first slice whose probability by any model is NaN or infinite."""
    for model in models_in(table):
        bad = np.flatnonzero(~np.isfinite(probabilities_of(table, model)).all(axis=1))
        if len(bad):
            first = table.iloc[bad[0]]
            raise InputError(
                f"{model} gives no finite probability for {len(bad)} of {len(table)} slices, the first is slice "
                f"{first['index']} of study {first['study']}: its training diverged; lower its learning rate"
            )
