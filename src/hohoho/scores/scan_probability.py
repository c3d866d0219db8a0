"""A scan's own probability of each class and of any bleed, out of what its slices say.

One number per scan and class, AGGREGATION of the logits of its slices, is calibrated on validation scans exactly as
slices are (hohoho.scores.calibration): the largest of thirty probabilities is no probability, and thirty neighbouring
slices are no thirty witnesses. `benchmarks/scan_probability.py` compares the aggregations.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit, log_expit, logit

from hohoho.inference.table import CLASSES
from hohoho.scores.calibration import CLIP, Prior, fit_class

TOP = 3  # slices: at 5 mm the height of a bleed that is easily seen
OF_SCANS = Prior(0.25, 0.5)  # their slices are calibrated already, and validation has a few dozen scans
SENSITIVITY = 0.95
SENSITIVE, YOUDEN = "sensitivity_95", "youden"


def largest(logits: np.ndarray) -> np.ndarray:
    """(classes,) the largest of (slices, classes) logits."""
    return logits.max(axis=0)


def top_mean(logits: np.ndarray) -> np.ndarray:
    """(classes,) the mean of the TOP largest logits: one slice alone does not decide."""
    return np.sort(logits, axis=0)[-TOP:].mean(axis=0)


def noisy_or(logits: np.ndarray) -> np.ndarray:
    """(classes,) the logit of 1 - Π(1 - p): right for independent slices, and it grows with their number."""
    absent = -log_expit(-logits).sum(axis=0)  # -log Π(1 - p)
    return np.log(-np.expm1(-absent)) + absent


AGGREGATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "max": largest,
    "top3_mean": top_mean,
    "noisy_or": noisy_or,
}
AGGREGATION = "max"


class ScanModel(NamedTuple):
    """P(scan) = sigmoid(aggregate / temperature + bias), per class of CLASSES; NaN where one could not be fitted."""

    temperature: np.ndarray  # (6,)
    bias: np.ndarray  # (6,)
    thresholds: dict[str, np.ndarray]  # operating point → (6,) probabilities, chosen on the scans it was fitted on
    scans: int  # that it was fitted on

    def probability(self, aggregates: np.ndarray) -> np.ndarray:
        """(scans, 6) of (scans, 6) aggregates."""
        return expit(aggregates / self.temperature + self.bias)


def scan_aggregates(study: np.ndarray, probabilities: np.ndarray, how: str = AGGREGATION) -> np.ndarray:
    """(scans, classes) one logit per scan and class, scans sorted by name.

    study: (slices,) which scan each slice belongs to. probabilities: (slices, classes), no NaN.
    """
    logits = logit(np.clip(np.asarray(probabilities, dtype=float), CLIP, 1 - CLIP))
    rows = pd.Series(range(len(study))).groupby(np.asarray(study), sort=True).indices.values()
    return np.array([AGGREGATIONS[how](logits[of_scan]) for of_scan in rows]).reshape(-1, logits.shape[1])


def fit_scans(targets: np.ndarray, aggregates: np.ndarray) -> ScanModel:
    """The scan model of (scans, 6) targets, NaN where unknown, and aggregates, maybe of no scan at all."""
    known = ((t[np.isfinite(t)], a[np.isfinite(t)]) for t, a in zip(targets.T, aggregates.T, strict=True))
    fitted = [fit_class(*of_class, OF_SCANS) for of_class in known]
    temperature, bias = np.array(fitted).T
    unchosen = ScanModel(temperature, bias, {}, len(targets))
    columns = list(zip(targets.T, unchosen.probability(aggregates).T, strict=True))
    thresholds = {
        SENSITIVE: [sensitive_threshold(t, p, SENSITIVITY) for t, p in columns],
        YOUDEN: [youden_threshold(t, p) for t, p in columns],
    }
    return unchosen._replace(
        thresholds={name: np.array(of_classes, dtype=float) for name, of_classes in thresholds.items()}
    )


def sensitive_threshold(targets: np.ndarray, scores: np.ndarray, sensitivity: float) -> float | None:
    """The highest threshold at which at least this share of the positive scans is found; None without any."""
    positives = np.sort(scores[targets > 0])[::-1]
    if not len(positives):
        return None
    return float(positives[int(np.ceil(sensitivity * len(positives) - 1e-9)) - 1])


def youden_threshold(targets: np.ndarray, scores: np.ndarray) -> float | None:
    """Where sensitivity + specificity - 1 (Youden 1950) is largest, the lowest of equals; None without both truths."""
    positives, negatives = (np.sort(scores[targets == truth]) for truth in (1, 0))
    if not (len(positives) and len(negatives)):
        return None
    found = len(positives) - np.searchsorted(positives, positives)
    left_alone = np.searchsorted(negatives, positives)
    return float(positives[np.argmax(found / len(positives) + left_alone / len(negatives))])


def scan_record(model: ScanModel) -> dict:
    """What models/calibration.json holds of it: null for a class that could not be fitted."""
    columns = {"temperature": model.temperature, "bias": model.bias}
    return {
        "formula": "sigmoid(aggregate / temperature + bias)",
        "aggregation": AGGREGATION,
        "fitted_scans": model.scans,
        **{name: _named(values) for name, values in columns.items()},
        "thresholds": {point: _named(values) for point, values in model.thresholds.items()},
    }


def read_scan_model(record: dict) -> ScanModel:
    """The model of a `scan_record`."""
    thresholds = {point: _values(values) for point, values in record["thresholds"].items()}
    return ScanModel(_values(record["temperature"]), _values(record["bias"]), thresholds, record["fitted_scans"])


def _named(values: np.ndarray) -> dict[str, float | None]:
    return {name: float(x) if np.isfinite(x) else None for name, x in zip(CLASSES, values, strict=True)}


def _values(named: dict[str, float | None]) -> np.ndarray:
    return np.array([named[name] for name in CLASSES], dtype=float)
