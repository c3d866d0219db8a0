"""F2 and the counts that it is made of: the headline of an evaluation. A training takes torchmetrics' (fit.py)."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

BETA = 2  # of F-beta: a missed bleed weighs four times a false alarm


class Counts(NamedTuple):
    """True positives, false positives, false negatives, true negatives; all of one shape."""

    tp: np.ndarray
    fp: np.ndarray
    fn: np.ndarray
    tn: np.ndarray


def predicted(probabilities: np.ndarray, threshold: float) -> np.ndarray:
    """Which are positive: from `threshold` up. Raises ValueError for a NaN probability."""
    probabilities = np.asarray(probabilities)
    if np.isnan(probabilities).any():
        raise ValueError("a probability is NaN")
    return probabilities >= threshold


def confusion_counts(truth: np.ndarray, positive: np.ndarray, count: Callable = np.sum) -> Counts:
    """Of two bool arrays of one shape. count: what sums up a mask of that shape; all of it at once, if not given."""
    masks = truth & positive, ~truth & positive, truth & ~positive, ~truth & ~positive
    return Counts(*map(count, masks))


def f2(counts: Counts) -> np.ndarray:
    """(1 + b²) tp / ((1 + b²) tp + b² fn + fp), b = BETA, of the counts' shape; NaN where nothing is or is found."""
    weighted = (1 + BETA**2) * counts.tp
    return ratio(weighted, weighted + BETA**2 * counts.fn + counts.fp)


def micro_f2(targets: np.ndarray, probabilities: np.ndarray, threshold: float = 0.5) -> float:
    """F2 of counts pooled over slices and classes, positive from `threshold` up; 0 where nothing is or is found.

    Both arrays (slices, classes). Raises ValueError for a NaN probability and for a target other than 0 and 1: drop
    unlabelled slices first.
    """
    if not np.isin(targets, (0, 1)).all():
        raise ValueError("targets must be 0 or 1 everywhere; drop unlabelled slices first")
    return float(np.nan_to_num(f2(confusion_counts(np.asarray(targets, bool), predicted(probabilities, threshold)))))


def all_positive_f2(targets: np.ndarray) -> float:
    """Micro F2 of the predict-all-positive baseline."""
    return micro_f2(targets, np.ones_like(targets))


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, NaN where whole is 0."""
    part, whole = np.asarray(part, dtype=float), np.asarray(whole, dtype=float)
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
