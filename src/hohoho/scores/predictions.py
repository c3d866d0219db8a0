"""What is scored: the truth, as far as it is known, and all that a model says, slice by slice and scan by scan.

Any bleed on a slice has the probability 1 - Π(1 - p) over the classes, calibrated: their raw outputs differ in scale by
class. A scan is scored in two ways. The *maximum* over its slices is the headline: a scan is positive exactly when a
slice is. *Noisy-or*, 1 - Π(1 - p) over its slices, is right for independent slices; thirty neighbouring slices are one
witness rather than thirty, so it saturates near 1 and grows with the number of slices. It is a formula about
probabilities: it takes the calibrated ones, and there is none where a class has none.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from hohoho.errors import InputError
from hohoho.inference.table import any_probability, models_in, probabilities_of, scan_maxima, with_any
from hohoho.labels import LABELS
from hohoho.scores.calibration import Calibration, calibrate, fit_calibration
from hohoho.scores.f2 import predicted
from hohoho.slices.label_patterns import smooth
from hohoho.slices.split import SPLITS, shown_split
from hohoho.slices.stacks import labelled_rows
from hohoho.slices.store import SCAN_ANY, SCAN_LABELS, adjacent_runs, is_labelled

MAX, NOISY_OR = "max", "noisy_or"


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


def scan_noisy_or(table: pd.DataFrame, probabilities: np.ndarray) -> np.ndarray:
    """(scans, 6) 1 - Π(1 - p) over the slices; for any: over slices and classes. probabilities: (slices, 5), no NaN."""
    log_absent = pd.DataFrame(np.log1p(-np.clip(probabilities, 0, 1 - 1e-15)))
    log_absent = log_absent.groupby(table["study"].to_numpy(), sort=True).sum().to_numpy()
    return -np.expm1(np.column_stack([log_absent, log_absent.sum(1)]))


class ModelPredictions(NamedTuple):
    """One model on every slice of a prediction table and on every scan, scans sorted by name."""

    raw: np.ndarray  # (slices, 5)
    calibrated: np.ndarray  # (slices, 5), NaN for a class that could not be calibrated
    any_bleed: np.ndarray  # (slices,) probability of any, of the calibrated classes; of the raw ones where none is
    positive: np.ndarray  # (slices, 5) bool, raw from the threshold up
    smoothed: np.ndarray  # (slices, 5) bool, the same after smoothing: 101 → 111, then 010 → 000, of adjacent slices
    scan_max: np.ndarray  # (scans, 6) of the raw ones, and of any_bleed
    scan_noisy_or: np.ndarray | None  # (scans, 6) of the calibrated ones; None where a class has none
    calibration: Calibration

    def predicted(self, smoothing: bool) -> np.ndarray:
        """(slices, 5) bool."""
        return self.smoothed if smoothing else self.positive


def model_predictions(table: pd.DataFrame, model: str, threshold: float, validation: np.ndarray) -> ModelPredictions:
    """validation: the rows of the labelled validation slices, on which the calibration is fitted."""
    probabilities = probabilities_of(table, model)
    raw, positive = probabilities.astype(np.float64), predicted(probabilities, threshold)
    fitted = fit_calibration(table[LABELS].to_numpy()[validation], raw[validation])
    calibrated, smoothed = calibrate(fitted, raw), positive.copy()
    for run in adjacent_runs(table):
        smoothed[run] = smooth(positive[run])
    any_bleed = any_probability(calibrated if fitted.fitted.any() else raw)
    maxima = scan_maxima(table["study"].to_numpy(), np.column_stack([raw, any_bleed]))
    noisy_or = scan_noisy_or(table, calibrated) if fitted.fitted.all() else None
    return ModelPredictions(raw, calibrated, any_bleed, positive, smoothed, maxima, noisy_or, fitted)


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
