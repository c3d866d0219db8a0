"""What is scored: all that a model says, slice by slice and scan by scan.

Any bleed on a slice has the probability 1 - Π(1 - p) over the classes, calibrated: their raw outputs differ in scale by
class. A scan is answered in two ways. By the *maximum* over its slices: positive exactly when a slice is. And by a
probability of its own (hohoho.scores.scan_probability).
"""

from typing import NamedTuple

import numpy as np

from hohoho.inference.table import (
    CLASSES,
    any_probability,
    probabilities_of,
    scan_maxima,
)
from hohoho.scores.calibration import Calibration, calibrate, calibration_of, fit_calibration
from hohoho.scores.f2 import predicted
from hohoho.scores.scan_probability import ScanModel, fit_scans, read_scan_model, scan_aggregates
from hohoho.scores.three_answers import Limits, read_limits
from hohoho.scores.truth import Truth
from hohoho.slices.label_patterns import smooth
from hohoho.slices.store import adjacent_runs

MAX = "max"


class Fitted(NamedTuple):
    """What turns a model's outputs into probabilities and answers."""

    calibration: Calibration  # of slices
    scan_model: ScanModel
    limits: Limits | None = None  # of the three answers; None where they are still to be chosen


class ModelPredictions(NamedTuple):
    """One model on every slice of a prediction table and on every scan, scans sorted by name."""

    raw: np.ndarray  # (slices, 5)
    calibrated: np.ndarray  # (slices, 5), NaN for a class that could not be calibrated
    any_bleed: np.ndarray  # (slices,) probability of any, of the calibrated classes; of the raw ones where none is
    positive: np.ndarray  # (slices, 5) bool, raw from the threshold up
    smoothed: np.ndarray  # (slices, 5) bool, the same after smoothing: 101 → 111, then 010 → 000, of adjacent slices
    scan_max: np.ndarray  # (scans, 6) of the raw ones, and of any_bleed
    scan_aggregates: np.ndarray  # (scans, 6) logits, of `slice_probabilities`
    fitted: Fitted

    @property
    def scan_probability(self) -> np.ndarray:
        """(scans, 6), NaN for a class that could not be fitted."""
        return self.fitted.scan_model.probability(self.scan_aggregates)

    def predicted(self, smoothing: bool) -> np.ndarray:
        """(slices, 5) bool."""
        return self.smoothed if smoothing else self.positive


def read_fitted(record: dict, model: str) -> Fitted:
    """What models/calibration.json holds of a model."""
    of_scans = record["scans"][model]
    return Fitted(calibration_of(record, model), read_scan_model(of_scans), read_limits(of_scans["answers"]))


def fit(truth: Truth, model: str) -> Fitted:
    """Calibrated, slices and scans, on those of validation whose labels are known."""
    raw, validation = probabilities_of(truth.table, model).astype(np.float64), truth.rows["val"]
    return with_scans(truth, model, fit_calibration(truth.targets("val"), raw[validation]))


def with_scans(truth: Truth, model: str, calibration: Calibration) -> Fitted:
    """The slices' calibration, and that of scans made of such slices, on the scans of validation."""
    raw = probabilities_of(truth.table, model).astype(np.float64)
    aggregates = scan_aggregates(truth.table["study"], slice_probabilities(raw, calibrate(calibration, raw)))
    known = truth.any_rows("val")
    return Fitted(
        calibration, fit_scans(truth.scans.loc[known, list(CLASSES)].to_numpy(dtype=float), aggregates[known])
    )


def model_predictions(truth: Truth, model: str, threshold: float, fitted: Fitted | None = None) -> ModelPredictions:
    """All that a model says. fitted: how its outputs are read; None: as validation tells (`fit`)."""
    table, fitted = truth.table, fitted or fit(truth, model)
    probabilities = probabilities_of(table, model)
    raw, positive = probabilities.astype(np.float64), predicted(probabilities, threshold)
    calibrated, smoothed = calibrate(fitted.calibration, raw), positive.copy()
    for run in adjacent_runs(table):
        smoothed[run] = smooth(positive[run])
    of_slices, study = slice_probabilities(raw, calibrated), table["study"].to_numpy()
    any_bleed = of_slices[:, -1]
    maxima, aggregates = scan_maxima(study, np.column_stack([raw, any_bleed])), scan_aggregates(study, of_slices)
    return ModelPredictions(raw, calibrated, any_bleed, positive, smoothed, maxima, aggregates, fitted)


def slice_probabilities(raw: np.ndarray, calibrated: np.ndarray) -> np.ndarray:
    """(slices, 6) what scans are made of: calibrated where a class is, else raw; any as of `any_probability`.

    Any is made of the calibrated classes only, where there is one. Both (slices, 5).
    """
    known = np.isfinite(calibrated)
    any_bleed = any_probability(calibrated if known.any() else raw)
    return np.column_stack([np.where(known, calibrated, raw), any_bleed])
