"""Probabilities that mean what they say: a temperature and a bias per class, fitted on validation.

The asymmetric loss and positive weights trade calibration for recall: what the models put out ranks slices but is no
probability. Here sigmoid(z / T + b) with z the model's logit: temperature scaling (Guo et al. 2017, arXiv 1706.04599)
with Platt's bias. Per class, because both distortions depend on a class's own balance, 5 : 1 for sdh and 24 : 1 for
edh. T is positive, so the order of a class's slices, its AUROC and – with the threshold moved along – every answer stay
as they are.

And how far probabilities are from frequencies: reliability curve, expected calibration error, Brier score.
"""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit, log_expit, logit

from hohoho.errors import InputError
from hohoho.labels import LABELS

CLIP = 1e-7  # float32 probabilities end here: logits within ±16
BINS = 10  # of probability, of equal width
TEMPERATURES = (0.05, 50.0)  # where the classes part cleanly, the best temperature would be 0


class Calibration(NamedTuple):
    """sigmoid(logit / temperature + bias), per class in label order."""

    temperature: np.ndarray  # (5,)
    bias: np.ndarray  # (5,)
    slices: int  # labelled validation slices that it was fitted on; 0: the identity


IDENTITY = Calibration(np.ones(len(LABELS)), np.zeros(len(LABELS)), 0)


def fit_calibration(targets: np.ndarray, probabilities: np.ndarray) -> Calibration:
    """The temperatures and biases of least log loss. Both arrays (slices, 5), labelled slices only.

    A class without positives or without negatives keeps temperature 1 and bias 0; without slices: the identity.
    Raises `InputError` for NaN.
    """
    if not len(targets):
        return IDENTITY
    if not (np.isfinite(targets).all() and np.isfinite(probabilities).all()):
        raise InputError("calibration: a probability or a label is NaN; drop unlabelled slices first")
    fitted = [_fit_class(targets[:, c], _logits(probabilities[:, c])) for c in range(len(LABELS))]
    temperature, bias = np.array(fitted).T
    return Calibration(temperature, bias, len(targets))


def calibrate(calibration: Calibration, probabilities: np.ndarray) -> np.ndarray:
    """(slices, 5) calibrated probabilities of raw ones."""
    return expit(_logits(probabilities) / calibration.temperature + calibration.bias)


def calibration_record(calibrations: dict[str, Calibration], threshold: float) -> dict:
    """What models/calibration.json holds, by model name; `threshold` of each class is the raw threshold, calibrated."""
    return {
        "formula": "sigmoid(logit(raw) / temperature + bias)",
        "threshold": threshold,
        "models": {model: _record(fitted, threshold) for model, fitted in calibrations.items()},
    }


def read_calibration(path: Path) -> dict | None:
    """What `calibration_record` made; None where the stage evaluate has not run."""
    return json.loads(path.read_text()) if path.is_file() else None


def calibrated(record: dict | None, model: str, probabilities: np.ndarray) -> np.ndarray:
    """(slices, 5) by one model, calibrated by the record; as they are where the record does not know the model.

    The raw answer stays derivable: positive from the record's calibrated `threshold` of the class up.
    """
    if not record or model not in record["models"]:
        return probabilities
    fitted = record["models"][model]
    temperature, bias = (np.array([fitted[name][label] for label in LABELS]) for name in ("temperature", "bias"))
    return calibrate(Calibration(temperature, bias, fitted["fitted_slices"]), probabilities)


def reliability(targets: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """BINS rows: mean `predicted` probability, `observed` frequency, number of `answers`; NaN in empty bins.

    Both arrays of one shape; every entry is one answer. Bins are [0, 0.1), …, [0.9, 1].
    """
    place = np.minimum((probabilities.ravel() * BINS).astype(int), BINS - 1)
    answers = np.bincount(place, minlength=BINS)
    sums = [np.bincount(place, weights=values.ravel(), minlength=BINS) for values in (probabilities, targets)]
    predicted, observed = (np.divide(s, answers, out=np.full(BINS, np.nan), where=answers > 0) for s in sums)
    return pd.DataFrame({"predicted": predicted, "observed": observed, "answers": answers})


def calibration_error(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """Expected calibration error, mean |predicted - observed| over answers (Guo et al. 2017, arXiv 1706.04599)."""
    curve = reliability(targets, probabilities)
    gaps = (curve["predicted"] - curve["observed"]).abs().fillna(0)
    return float(np.average(gaps, weights=curve["answers"])) if len(targets) else np.nan


def brier(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean squared difference of probability and truth; NaN without slices."""
    return float(((probabilities - targets) ** 2).mean()) if len(targets) else np.nan


def _fit_class(targets: np.ndarray, logits: np.ndarray) -> tuple[float, float]:
    if targets.min() == targets.max():
        return 1.0, 0.0
    sign = np.where(targets > 0, 1.0, -1.0)

    def loss(slope_and_bias):
        margin = sign * (slope_and_bias[0] * logits + slope_and_bias[1])
        pull = -sign * expit(-margin)
        return -log_expit(margin).mean(), np.array([(pull * logits).mean(), pull.mean()])

    coldest, hottest = TEMPERATURES
    bounds = [(1 / hottest, 1 / coldest), (None, None)]
    slope, bias = minimize(loss, [1.0, 0.0], jac=True, bounds=bounds, options={"ftol": 1e-12, "gtol": 1e-8}).x
    return 1 / slope, bias


def _logits(probabilities: np.ndarray) -> np.ndarray:
    return logit(np.clip(np.asarray(probabilities, dtype=np.float64), CLIP, 1 - CLIP))


def _record(fitted: Calibration, threshold: float) -> dict:
    moved = calibrate(fitted, np.full((1, len(LABELS)), threshold))[0]
    values = {"temperature": fitted.temperature, "bias": fitted.bias, "threshold": moved}
    named = {name: dict(zip(LABELS, map(float, numbers), strict=True)) for name, numbers in values.items()}
    return {"fitted_slices": fitted.slices, **named}
