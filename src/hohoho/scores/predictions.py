"""What is scored: the truth, as far as it is known, and all that a model says, slice by slice and scan by scan.

Any bleed on a slice has the probability 1 - Π(1 - p) over the classes, calibrated: their raw outputs differ in scale by
class. A scan is answered in two ways. By the *maximum* over its slices: positive exactly when a slice is. And by a
probability of its own (hohoho.scores.scan_probability).
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from hohoho.errors import InputError
from hohoho.inference.table import (
    CLASSES,
    any_probability,
    models_in,
    probabilities_of,
    scan_maxima,
    with_any,
)
from hohoho.labels import LABELS
from hohoho.scores.calibration import Calibration, calibrate, fit_calibration
from hohoho.scores.f2 import predicted
from hohoho.scores.scan_probability import ScanModel, fit_scans, scan_aggregates
from hohoho.slices.label_patterns import smooth
from hohoho.slices.split import SPLITS, shown_split
from hohoho.slices.stacks import labelled_rows
from hohoho.slices.store import SCAN_ANY, SCAN_LABELS, adjacent_runs, is_labelled

MAX = "max"


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


class ModelPredictions(NamedTuple):
    """One model on every slice of a prediction table and on every scan, scans sorted by name."""

    raw: np.ndarray  # (slices, 5)
    calibrated: np.ndarray  # (slices, 5), NaN for a class that could not be calibrated
    any_bleed: np.ndarray  # (slices,) probability of any, of the calibrated classes; of the raw ones where none is
    positive: np.ndarray  # (slices, 5) bool, raw from the threshold up
    smoothed: np.ndarray  # (slices, 5) bool, the same after smoothing: 101 → 111, then 010 → 000, of adjacent slices
    scan_max: np.ndarray  # (scans, 6) of the raw ones, and of any_bleed
    calibration: Calibration  # of slices
    scan_aggregates: np.ndarray  # (scans, 6) logits, of `slice_probabilities`
    scan_model: ScanModel

    @property
    def scan_probability(self) -> np.ndarray:
        """(scans, 6), NaN for a class that could not be fitted."""
        return self.scan_model.probability(self.scan_aggregates)

    def predicted(self, smoothing: bool) -> np.ndarray:
        """(slices, 5) bool."""
        return self.smoothed if smoothing else self.positive


def model_predictions(truth: Truth, model: str, threshold: float) -> ModelPredictions:
    """Calibrated, slices and scans, on those of validation whose labels are known."""
    table, validation = truth.table, truth.rows["val"]
    probabilities = probabilities_of(table, model)
    raw, positive = probabilities.astype(np.float64), predicted(probabilities, threshold)
    fitted = fit_calibration(table[LABELS].to_numpy()[validation], raw[validation])
    calibrated, smoothed = calibrate(fitted, raw), positive.copy()
    for run in adjacent_runs(table):
        smoothed[run] = smooth(positive[run])
    of_slices, study = slice_probabilities(raw, calibrated), table["study"].to_numpy()
    any_bleed = of_slices[:, -1]
    maxima, aggregates = scan_maxima(study, np.column_stack([raw, any_bleed])), scan_aggregates(study, of_slices)
    in_val = truth.any_rows("val")
    scans = fit_scans(truth.scans.loc[in_val, list(CLASSES)].to_numpy(dtype=float), aggregates[in_val])
    return ModelPredictions(raw, calibrated, any_bleed, positive, smoothed, maxima, fitted, aggregates, scans)


def slice_probabilities(raw: np.ndarray, calibrated: np.ndarray) -> np.ndarray:
    """(slices, 6) what scans are made of: calibrated where a class is, else raw; any as of `any_probability`.

    Any is made of the calibrated classes only, where there is one. Both (slices, 5).
    """
    known = np.isfinite(calibrated)
    any_bleed = any_probability(calibrated if known.any() else raw)
    return np.column_stack([np.where(known, calibrated, raw), any_bleed])


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
