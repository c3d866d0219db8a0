"""Where to put the threshold: chosen on validation, never on test."""

import math

import numpy as np
import pandas as pd

from hohoho.inference.table import with_any
from hohoho.labels import LABELS
from hohoho.scores.f2 import BETA
from hohoho.scores.measures import pooled_scores
from hohoho.scores.predictions import ModelPredictions
from hohoho.scores.scan_probability import SENSITIVITY, sensitive_threshold
from hohoho.scores.truth import Truth
from hohoho.slices.split import SPLITS

FIXED, GLOBAL, PER_CLASS, SENSITIVE = "fixed", "f2_global", "f2_per_class", "scan_sensitivity_95"


def operating_points(truth: Truth, predictions: ModelPredictions, fixed: float) -> dict[str, np.ndarray | None]:
    """Name → (5,) thresholds of the raw probability; None where validation cannot say. fixed: the headline's."""
    targets, probabilities = truth.targets("val"), predictions.raw[truth.rows["val"]]
    per_class = [best_f2_threshold(t, p) for t, p in zip(targets.T, probabilities.T, strict=True)]
    any_scan, scans = truth.scan_targets("val")[:, -1] > 0, truth.scan_rows("val")
    largest = predictions.scan_max[scans, : len(LABELS)].max(axis=1)  # one raw threshold for all classes
    return {
        FIXED: _everywhere(fixed),
        GLOBAL: _everywhere(best_f2_threshold(targets.ravel(), probabilities.ravel())),
        PER_CLASS: None if None in per_class else np.array(per_class),
        SENSITIVE: _everywhere(sensitive_threshold(any_scan, largest, SENSITIVITY)),
    }


def point_table(model: str, points: dict, truth: Truth, predictions: ModelPredictions) -> pd.DataFrame:
    """One row per operating point: `point` ("model, name"), its thresholds, and how it does on validation and on test.

    Columns: `threshold_<class>`; then per split the COUNT_SCORES, pooled (`f2_<split>` …), and for bleeds of any class
    in a scan `scan_sensitivity_`, `scan_specificity_<split>`. Without smoothing.
    """
    rows = []
    for name, thresholds in points.items():
        row = {"point": f"{model}, {name}"}
        for column, label in enumerate(LABELS):
            row[f"threshold_{label}"] = None if thresholds is None else printed_threshold(thresholds[column])
        for split in SPLITS[1:]:
            row |= _at(thresholds, truth, predictions, split)
        rows.append(row)
    return pd.DataFrame(rows)


def printed_threshold(threshold: float) -> float:
    """Six digits, rounded down: at the printed value at least as much is positive as at the threshold itself."""
    return math.floor(float(threshold) * 1e6) / 1e6


def _at(thresholds: np.ndarray | None, truth: Truth, predictions: ModelPredictions, split: str) -> dict:
    positive = predictions.raw >= (np.inf if thresholds is None else thresholds)
    in_scan = pd.Series(with_any(positive)[:, -1]).groupby(truth.table["study"].to_numpy(), sort=True).any().to_numpy()
    scores = pooled_scores(truth.targets(split) > 0, positive[truth.rows[split]])
    scans = pooled_scores(truth.scan_targets(split)[:, -1] > 0, in_scan[truth.scan_rows(split)])
    scores |= {"scan_sensitivity": scans["recall"], "scan_specificity": scans["specificity"]}
    return {f"{score}_{split}": None if thresholds is None else value for score, value in scores.items()}


def best_f2_threshold(targets: np.ndarray, probabilities: np.ndarray) -> float | None:
    """The threshold of the best F2, the highest of equals; None without positives. Both arrays (answers,)."""
    if not targets.any():
        return None
    order = np.argsort(-probabilities, kind="stable")
    falling, tp = probabilities[order], np.cumsum(targets[order])
    weighted = (1 + BETA**2) * tp
    f2 = weighted / (BETA**2 * targets.sum() + np.arange(1, len(tp) + 1))  # b² (tp + fn) + tp + fp
    last_of_ties = np.r_[np.diff(falling) != 0, True]
    return float(falling[np.argmax(np.where(last_of_ties, f2, -1))])


def _everywhere(threshold: float | None) -> np.ndarray | None:
    return None if threshold is None else np.full(len(LABELS), threshold)
