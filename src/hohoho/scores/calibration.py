"""Probabilities that mean what they say: a temperature and a bias per class, fitted on validation.

The asymmetric loss and positive weights trade calibration for recall: what the models put out ranks slices but is no
probability. Here sigmoid(z / T + b) with z the model's logit: temperature scaling (Guo et al. 2017, arXiv 1706.04599)
with Platt's bias. Per class, because both distortions depend on a class's own balance, 5 : 1 for sdh and 24 : 1 for
edh. T is positive, so the order of a class's slices, its AUROC and – with the threshold moved along – every answer stay
as they are. A log-normal prior on T, around 1, keeps it sane where positives are few: with one or two, the best T alone
often ends at its bound, a constant (`benchmarks/calibration.py`). Without a positive nothing is fitted, and the
calibrated probability is unknown (NaN).
"""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import expit, log_expit, logit

from hohoho.errors import InputError
from hohoho.labels import LABELS

CLIP = 1e-7  # float32 probabilities end here: logits within ±16
TEMPERATURES = (0.02, 50.0)  # a guard for the search; the prior keeps the best well inside


class Prior(NamedTuple):
    """How far a calibration may be from none at all, T = 1 and b = 0: standard deviations of normal priors."""

    log_temperature: float
    bias: float


OF_SLICES = Prior(1.0, np.inf)  # weighs as much as one slice or two


class Calibration(NamedTuple):
    """sigmoid(logit / temperature + bias), per class in label order; NaN where the class could not be fitted."""

    temperature: np.ndarray  # (5,)
    bias: np.ndarray  # (5,)
    positives: np.ndarray  # (5,) int, among the slices that it was fitted on
    slices: int  # labelled validation slices that it was fitted on

    @property
    def fitted(self) -> np.ndarray:
        """(5,) bool: the classes that have a calibrated probability."""
        return np.isfinite(self.temperature)


def fit_calibration(targets: np.ndarray, probabilities: np.ndarray, prior: Prior = OF_SLICES) -> Calibration:
    """The most probable temperatures and biases. Both arrays (slices, 5), labelled slices only, maybe none.

    A class without positives or without negatives is not fitted. Raises `InputError` for NaN.
    """
    if not (np.isfinite(targets).all() and np.isfinite(probabilities).all()):
        raise InputError("calibration: a probability or a label is NaN; drop unlabelled slices first")
    fitted = [fit_class(targets[:, c], _logits(probabilities[:, c]), prior) for c in range(len(LABELS))]
    temperature, bias = np.array(fitted).T
    return Calibration(temperature, bias, (targets > 0).sum(axis=0), len(targets))


def calibrate(calibration: Calibration, probabilities: np.ndarray) -> np.ndarray:
    """(slices, 5) calibrated probabilities of raw ones; NaN for a class that was not fitted."""
    return expit(_logits(probabilities) / calibration.temperature + calibration.bias)


def calibration_record(calibrations: dict[str, Calibration], threshold: float, smoothing: bool) -> dict:
    """What models/calibration.json holds, by model name: null for a class that was not fitted.

    `threshold` of each class is the raw threshold, calibrated. `smoothing`: whether the answers are smoothed.
    """
    return {
        "formula": "sigmoid(logit(raw) / temperature + bias)",
        "threshold": threshold,
        "smoothing": smoothing,
        "models": {model: _record(fitted, threshold) for model, fitted in calibrations.items()},
    }


def read_calibration(path: Path) -> dict | None:
    """What `calibration_record` made; None where the stage evaluate has not run."""
    return json.loads(path.read_text()) if path.is_file() else None


def calibrated(record: dict | None, model: str, probabilities: np.ndarray) -> np.ndarray:
    """(slices, 5) by one model, calibrated by the record; NaN where the record does not know the model or the class.

    The raw answer stays derivable: positive from the record's calibrated `threshold` of the class up.
    """
    if not record or model not in record["models"]:
        return np.full(np.shape(probabilities), np.nan)
    return calibrate(calibration_of(record, model), probabilities)


def calibration_of(record: dict, model: str) -> Calibration:
    """What `calibration_record` was made of, for one of its models."""
    fitted = record["models"][model]
    temperature, bias, positives = (
        np.array([fitted[name][label] for label in LABELS], dtype=float)
        for name in ("temperature", "bias", "positives")
    )
    return Calibration(temperature, bias, positives, fitted["fitted_slices"])


def fit_class(targets: np.ndarray, logits: np.ndarray, prior: Prior = OF_SLICES) -> tuple[float, float]:
    """Temperature and bias of one class, of (answers,) each; NaN without positives or without negatives."""
    if not len(targets) or targets.min() == targets.max():
        return np.nan, np.nan
    from scipy.optimize import minimize  # a prediction fits nothing, and starts sooner

    sign = np.where(targets > 0, 1.0, -1.0)

    def loss(log_slope_and_bias):
        log_slope, bias = log_slope_and_bias
        slope = np.exp(log_slope)
        margin = sign * (slope * logits + bias)
        pull = -sign * expit(-margin)
        off = np.array(log_slope_and_bias) / prior
        gradient = np.array([(pull * logits).sum() * slope, pull.sum()]) + off / prior
        return -log_expit(margin).sum() + (off**2).sum() / 2, gradient

    bounds = [tuple(-np.log(TEMPERATURES[::-1])), (None, None)]
    log_slope, bias = minimize(loss, [0.0, 0.0], jac=True, bounds=bounds, options={"ftol": 1e-12, "gtol": 1e-6}).x
    return np.exp(-log_slope), bias


def _logits(probabilities: np.ndarray) -> np.ndarray:
    return logit(np.clip(np.asarray(probabilities, dtype=np.float64), CLIP, 1 - CLIP))


def _record(fitted: Calibration, threshold: float) -> dict:
    moved = calibrate(fitted, np.full((1, len(LABELS)), threshold))[0]
    values = {"temperature": fitted.temperature, "bias": fitted.bias, "threshold": moved}
    named = {name: _named([float(x) if np.isfinite(x) else None for x in column]) for name, column in values.items()}
    return {"fitted_slices": fitted.slices, "positives": _named(map(int, fitted.positives)), **named}


def _named(values) -> dict:
    return dict(zip(LABELS, values, strict=True))
