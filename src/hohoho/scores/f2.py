"""Scores of multi-label slice predictions, counted over slices and classes."""

from typing import NamedTuple

import numpy as np

from hohoho.inference.table import answers
from hohoho.labels import LABELS

BETA = 2  # a missed bleed weighs four times a false alarm


class Counts(NamedTuple):
    """True positives, false positives and false negatives; numbers or one array entry per class."""

    tp: np.ndarray
    fp: np.ndarray
    fn: np.ndarray


def count(targets: np.ndarray, positive: np.ndarray) -> Counts:
    """Per-class counts. targets: (slices, classes) of 0 and 1; positive: (slices, classes) of bool.

    Raises ValueError where a target is neither 0 nor 1 (NaN included): drop unlabelled slices first.
    """
    targets = np.asarray(targets)
    if not np.isin(targets, (0, 1)).all():
        raise ValueError("targets must be 0 or 1 everywhere; drop unlabelled slices first")
    truth = targets.astype(bool)
    return Counts((truth & positive).sum(0), (~truth & positive).sum(0), (truth & ~positive).sum(0))


def fbeta(counts: Counts, beta: float = BETA) -> np.ndarray:
    """F-beta from counts, (1 + b²) tp / ((1 + b²) tp + b² fn + fp); 0 where nothing is positive or predicted."""
    weighted = (1 + beta**2) * counts.tp
    whole = weighted + beta**2 * counts.fn + counts.fp
    return np.divide(weighted, whole, out=np.zeros_like(whole, dtype=float), where=whole > 0)


def micro(counts: Counts) -> Counts:
    """Counts pooled over the classes."""
    return Counts(*(np.asarray(part).sum() for part in counts))


def micro_fbeta(targets: np.ndarray, probabilities: np.ndarray, threshold: float = 0.5, beta: float = BETA) -> float:
    """Micro F-beta: counts pooled over slices and classes. Both arrays (slices, classes); positive from `threshold` up.

    Raises ValueError for a NaN probability or a target other than 0 and 1.
    """
    return float(fbeta(micro(count(targets, answers(probabilities, threshold))), beta))


def scores(targets: np.ndarray, positive: np.ndarray) -> dict[str, float]:
    """Micro F2, precision and recall, and F2 per class (`f2_<label>`), rounded nowhere.

    targets: (slices, 5) of 0 and 1; positive: (slices, 5) bool, the answers.
    """
    counts = count(targets, positive)
    pooled = micro(counts)
    per_class = {f"f2_{label}": float(f2) for label, f2 in zip(LABELS, fbeta(counts), strict=True)}
    return {
        "f2": float(fbeta(pooled)),
        "precision": float(pooled.tp / max(pooled.tp + pooled.fp, 1)),
        "recall": float(pooled.tp / max(pooled.tp + pooled.fn, 1)),
        **per_class,
    }


def all_positive_f2(targets: np.ndarray) -> float:
    """The floor: micro F2 of answering yes to everything."""
    return micro_fbeta(targets, np.ones_like(targets))
