"""Output columns for a new scan: raw scores, answers and calibrated probabilities."""

import numpy as np
import pandas as pd

from hohoho.inference.table import CLASSES, with_any, with_any_probability
from hohoho.labels import LABELS
from hohoho.scores.calibration import calibrated
from hohoho.scores.f2 import predicted
from hohoho.slices.label_patterns import smooth

DIGITS = 6
MEANING = {
    "missing_before": "1 where a slice is missing below this one; the two are then not taken for neighbours",
    "<model>_<label>": "raw output of the model for the slice, as in data/predictions.parquet; it ranks slices and is "
    "compared with the threshold, but is no probability",
    "<model>_<label>_positive": "the model's answer, 0 or 1: from the threshold up, then smoothed along the scan if "
    "calibration.smoothing says so; missing where `evaluate` has not run",
    "<model>_<label>_calibrated": "probability of this bleed on the slice, as far as the validation slices of the "
    "training data can tell; empty for a class, missing for all, where there were none to calibrate on",
    "<model>_any_calibrated": "probability of any bleed on the slice, 1 - Π(1 - p) over the classes that have one",
    "scan_maxima": "largest of each over the slices: a slice's value, not the probability that the scan has a bleed; "
    "positive: one of its slices is",
}


def answer_columns(raw: dict[str, np.ndarray], runs: list[slice], calibration: dict | None) -> pd.DataFrame:
    """The columns that MEANING explains, a row per slice. raw: model → (slices, 5); runs: of adjacent slices."""
    columns = {}
    for model, values in raw.items():
        columns |= {f"{model}_{label}": values[:, c] for c, label in enumerate(LABELS)}
        if calibration:
            positive = positive_slices(values, runs, calibration).astype(int)
            columns |= {f"{model}_{label}_positive": positive[:, c] for c, label in enumerate(LABELS)}
        shown = with_any_probability(calibrated(calibration, model, values))
        if np.isfinite(shown).any():
            columns |= {f"{model}_{name}_calibrated": shown[:, c] for c, name in enumerate(CLASSES)}
    return pd.DataFrame(columns).round(DIGITS)


def positive_slices(raw: np.ndarray, runs: list[slice], calibration: dict) -> np.ndarray:
    """(slices, 5) bool answers as `evaluate` scored them. raw: (slices, 5) of one scan, foot to head."""
    positive = predicted(raw, calibration["threshold"])
    return np.concatenate([smooth(positive[run]) for run in runs]) if calibration["smoothing"] else positive


def scan_summary(model: str, raw: np.ndarray, runs: list[slice], calibration: dict | None) -> dict[str, dict]:
    """Of each class the largest `raw` value; of these and of `any`, where known, `positive` and largest `calibrated`.

    raw: (slices, 5) by the model; runs: of adjacent slices.
    """
    summary = {name: {} for name in CLASSES}
    for label, value in zip(LABELS, raw.max(axis=0), strict=True):
        summary[label]["raw"] = round(float(value), DIGITS)
    if calibration:
        for name, value in zip(CLASSES, with_any(positive_slices(raw, runs, calibration)).any(axis=0), strict=True):
            summary[name]["positive"] = bool(value)
    for name, value in zip(CLASSES, with_any_probability(calibrated(calibration, model, raw)).max(axis=0), strict=True):
        if np.isfinite(value):
            summary[name]["calibrated"] = round(float(value), DIGITS)
    return summary
