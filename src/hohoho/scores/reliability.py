"""How far probabilities are from frequencies: reliability curve, expected calibration error, Brier score, log loss.

Every entry is one answer; one whose probability or truth is unknown (NaN) is left out.
"""

import numpy as np
import pandas as pd

from hohoho.scores.calibration import CLIP

BINS = 10  # of probability, of equal width


def reliability(targets: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """BINS rows: mean `predicted` probability, `observed` frequency, number of `answers`; NaN in empty bins.

    Both arrays of one shape; every entry is one answer, left out where its probability is NaN. Bins are [0, 0.1), …,
    [0.9, 1].
    """
    targets, probabilities = _known(targets, probabilities)
    place = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    answers = np.bincount(place, minlength=BINS)
    sums = [np.bincount(place, weights=values, minlength=BINS) for values in (probabilities, targets)]
    predicted, observed = (np.divide(s, answers, out=np.full(BINS, np.nan), where=answers > 0) for s in sums)
    return pd.DataFrame({"predicted": predicted, "observed": observed, "answers": answers})


def calibration_error(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """Expected calibration error, mean |predicted - observed| over answers (Guo et al. 2017, arXiv 1706.04599)."""
    curve = reliability(targets, probabilities)
    gaps = (curve["predicted"] - curve["observed"]).abs().fillna(0)
    return float(np.average(gaps, weights=curve["answers"])) if curve["answers"].sum() else np.nan


def brier(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean squared difference of probability and truth; NaN without answers whose probability is known."""
    targets, probabilities = _known(targets, probabilities)
    return float(((probabilities - targets) ** 2).mean()) if len(targets) else np.nan


def log_loss(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean -log of what the truth was given (nat); NaN without answers whose probability is known."""
    targets, probabilities = _known(targets, probabilities)
    given = np.where(targets > 0, probabilities, 1 - probabilities)
    return float(-np.log(np.clip(given, CLIP, 1)).mean()) if len(given) else np.nan


def _known(targets: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    known = np.isfinite(probabilities) & np.isfinite(targets)
    return targets[known], probabilities[known]
