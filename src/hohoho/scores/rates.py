"""F2, precision, recall and specificity from counts of any shape; NaN where a denominator is zero."""

import numpy as np

from hohoho.scores.f2 import BETA


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


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, NaN where whole is 0."""
    part, whole = np.asarray(part, dtype=float), np.asarray(whole, dtype=float)
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)


def number(value: float) -> float | None:
    """As JSON holds it: six digits, None where undefined."""
    return round(float(value), 6) if np.isfinite(value) else None
