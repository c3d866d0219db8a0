"""F2, precision, recall and specificity from counts of any shape; NaN where a denominator is zero."""

import numpy as np

from hohoho.inference.table import answers

BETA = 2  # of F-beta: a missed bleed weighs four times a false alarm


def outcomes(truth: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Which answers are true positives, false positives, false negatives, true negatives. Both bool, of one shape."""
    return truth & positive, ~truth & positive, truth & ~positive, ~truth & ~positive


def rates(tp: np.ndarray, fp: np.ndarray, fn: np.ndarray, tn: np.ndarray) -> dict[str, np.ndarray]:
    """The four rates by name, each of the counts' shape."""
    weighted = (1 + BETA**2) * tp
    return {
        "f2": ratio(weighted, weighted + BETA**2 * fn + fp),
        "precision": ratio(tp, tp + fp),
        "recall": ratio(tp, tp + fn),
        "specificity": ratio(tn, tn + fp),
    }


def pooled_rates(truth: np.ndarray, positive: np.ndarray) -> dict[str, float | None]:
    """The four rates over all answers at once, as JSON holds them."""
    return {name: number(value) for name, value in rates(*(case.sum() for case in outcomes(truth, positive))).items()}


def micro_f2(targets: np.ndarray, probabilities: np.ndarray, threshold: float = 0.5) -> float:
    """F2 of counts pooled over slices and classes, positive from `threshold` up; 0 where nothing is or is found.

    Both arrays (slices, classes). Raises ValueError for a NaN probability and for a target other than 0 and 1: drop
    unlabelled slices first.
    """
    if not np.isin(targets, (0, 1)).all():
        raise ValueError("targets must be 0 or 1 everywhere; drop unlabelled slices first")
    cases = outcomes(np.asarray(targets, bool), answers(probabilities, threshold))
    return float(np.nan_to_num(rates(*(case.sum() for case in cases))["f2"]))


def all_positive_f2(targets: np.ndarray) -> float:
    """Micro F2 of the predict-all-positive baseline."""
    return micro_f2(targets, np.ones_like(targets))


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, NaN where whole is 0."""
    part, whole = np.asarray(part, dtype=float), np.asarray(whole, dtype=float)
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)


def number(value: float) -> float | None:
    """As JSON holds it: six digits, None where undefined."""
    return round(float(value), 6) if np.isfinite(value) else None
