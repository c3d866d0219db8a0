"""How far probabilities are from frequencies: reliability curve, expected calibration error, Brier score."""

import numpy as np
import pandas as pd

BINS = 10  # of equal width


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
