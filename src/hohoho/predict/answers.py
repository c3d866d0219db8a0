"""Output columns for a new scan: raw scores and calibrated probabilities."""

import numpy as np
import pandas as pd

from hohoho.inference.table import CLASSES, scan_maxima
from hohoho.labels import LABELS
from hohoho.scores.calibration import calibrated

DIGITS = 6
MEANING = {
    "missing_before": "1 where a slice is missing below this one; the two are then not taken for neighbours",
    "<model>_<label>": "raw output of the model for the slice, as in data/predictions.parquet; it ranks slices and is "
    "compared with the threshold, but is no probability",
    "<model>_<label>_calibrated": "probability of this bleed on the slice, as far as the validation slices of the "
    "training data can tell; missing where there were none to calibrate on",
    "scan_maxima": "largest of each over the slices: a slice's value, not the probability that the scan has a bleed; "
    "positive: the raw one lies at the threshold or above",
}


def answer_columns(raw: dict[str, np.ndarray], calibration: dict | None) -> pd.DataFrame:
    """The columns that MEANING explains, a row per slice. raw: model → (slices, 5)."""
    columns = {}
    for model, values in raw.items():
        columns |= {f"{model}_{label}": values[:, c] for c, label in enumerate(LABELS)}
        if _fitted(calibration, model):
            shown = calibrated(calibration, model, values)
            columns |= {f"{model}_{label}_calibrated": shown[:, c] for c, label in enumerate(LABELS)}
    return pd.DataFrame(columns).round(DIGITS)


def scan_summary(model: str, raw: np.ndarray, calibration: dict | None) -> dict[str, dict]:
    """Of each class and of `any`: the largest `raw` value and, where they are known, `positive` and `calibrated`.

    raw: (slices, 5) by the model.
    """
    largest = _largest(raw)
    columns = {"raw": largest.round(DIGITS).tolist()}
    if calibration:
        columns["positive"] = (largest >= calibration["threshold"]).tolist()
    if _fitted(calibration, model):
        columns["calibrated"] = _largest(calibrated(calibration, model, raw)).round(DIGITS).tolist()
    return {name: {key: columns[key][place] for key in columns} for place, name in enumerate(CLASSES)}


def _largest(values: np.ndarray) -> np.ndarray:
    """(6,) over the slices of one scan, of each class and of any."""
    return scan_maxima(np.zeros(len(values)), np.asarray(values, dtype=float))[0]


def _fitted(calibration: dict | None, model: str) -> bool:
    """Whether the record has a calibration that was fitted on slices of the validation split."""
    return bool(calibration and calibration["models"].get(model, {}).get("fitted_slices"))
