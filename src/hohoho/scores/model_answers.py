"""All that a model says: raw and calibrated, slice by slice and scan by scan."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from hohoho.errors import InputError
from hohoho.inference.table import answers_of, models_in, probabilities_of
from hohoho.labels import LABELS
from hohoho.scores.calibration import Calibration, calibrate, fit_calibration
from hohoho.scores.scan_scores import scan_maxima, scan_noisy_or


class ModelAnswers(NamedTuple):
    """One model on every slice of a prediction table and on every scan, scans sorted by name."""

    raw: np.ndarray  # (slices, 5)
    calibrated: np.ndarray  # (slices, 5)
    positive: np.ndarray  # (slices, 5) bool, raw from the threshold up
    smoothed: np.ndarray  # (slices, 5) bool, the same after smoothing
    scan_max: np.ndarray  # (scans, 6) of the raw ones
    scan_noisy_or: np.ndarray  # (scans, 6) of the calibrated ones
    calibration: Calibration

    def answers(self, smoothing: bool) -> np.ndarray:
        """(slices, 5) bool."""
        return self.smoothed if smoothing else self.positive


def model_answers(table: pd.DataFrame, model: str, threshold: float, validation: np.ndarray) -> ModelAnswers:
    """validation: the rows of the labelled validation slices, on which the calibration is fitted."""
    raw = probabilities_of(table, model).astype(np.float64)
    fitted = fit_calibration(table[LABELS].to_numpy()[validation], raw[validation])
    calibrated = calibrate(fitted, raw)
    return ModelAnswers(
        raw,
        calibrated,
        answers_of(table, model, threshold, smoothing=False),
        answers_of(table, model, threshold, smoothing=True),
        scan_maxima(table, raw),
        scan_noisy_or(table, calibrated),
        fitted,
    )


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
