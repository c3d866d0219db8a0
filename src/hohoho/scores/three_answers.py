"""Three answers to "does this scan show a bleed?", two of them with a stated guarantee.

"no bleed seen" below one limit of the scan's probability, "bleed" above another, between them "uncertain: read now".
The limits are order statistics of scans that were kept aside (`split.calibration_fraction`) and chose nothing else. If
of n patients with a bleed m have a scan below the limit, the share of all such patients is at most `error` with
`confidence` as soon as P(Binomial(n, error) ≤ m) ≤ 1 - confidence: split-conformal risk control in its exact binomial
form (Bates et al. 2021, arXiv 2101.02703; Wilks 1941 for m = 0). A patient counts once, with the worst of the scans:
scans of one patient are not independent. Each answer has its guarantee for itself, over patients like those kept aside.

Where too few are kept aside there is no guarantee: the limits then leave out the plain share `error`, and say so.
"""

import math
from typing import NamedTuple

import numpy as np

NO_BLEED, UNCERTAIN, BLEED = "no bleed seen", "uncertain: read now", "bleed"
ANSWERS = (NO_BLEED, UNCERTAIN, BLEED)


class Limit(NamedTuple):
    """One limit of the scan's probability, and what stands behind it."""

    value: float | None  # None: the answer is never given
    patients: int  # with a bleed for "no bleed seen", without one for "bleed"
    guaranteed: bool


class Limits(NamedTuple):
    """Both limits, from the scans of one split."""

    low: Limit  # below it: no bleed seen
    high: Limit  # above it: bleed
    error: float
    confidence: float
    split: str  # calibration, or val where nobody is kept aside


def fewest_patients(error: float, confidence: float) -> int:
    """How many patients a guarantee needs at least: those of whom none may be wrong."""
    return math.ceil(math.log(1 - confidence) / math.log(1 - error) - 1e-9)


def allowed_errors(patients: int, error: float, confidence: float) -> int | None:
    """How many of the patients may be answered wrongly for the guarantee to hold; None where they are too few."""
    from scipy.stats import binom  # a prediction chooses no limit, and starts sooner

    allowed = np.flatnonzero(binom.cdf(np.arange(patients + 1), patients, error) <= 1 - confidence)
    return int(allowed[-1]) if len(allowed) else None


def limits(
    bleeding: np.ndarray, probabilities: np.ndarray, patients: np.ndarray, error: float, confidence: float, split: str
) -> Limits:
    """Limits from (scans,) each: whether a scan has a bleed, its probability, and whose it is.

    split: whose scans these are. Only those of "calibration" chose nothing else, so only they can give a guarantee.
    """
    aside = split == "calibration"
    worst = [
        _worst_of_patients(patients[bleeding], probabilities[bleeding]),
        -_worst_of_patients(patients[~bleeding], -probabilities[~bleeding]),
    ]
    low = _limit(np.sort(worst[0]), error, confidence, aside)
    high = _limit(np.sort(worst[1])[::-1], error, confidence, aside)
    if None not in (low.value, high.value):  # a higher limit keeps the guarantee of "bleed"
        high = high._replace(value=max(high.value, low.value))
    return Limits(low, high, error, confidence, split)


def answers(of: Limits, probabilities: np.ndarray) -> np.ndarray:
    """(scans,) of ANSWERS; NaN, an unknown probability, is uncertain."""
    given = np.full(len(probabilities), UNCERTAIN, dtype=object)
    if of.low.value is not None:
        given[probabilities < of.low.value] = NO_BLEED
    if of.high.value is not None:
        given[probabilities > of.high.value] = BLEED
    return given


def limits_record(of: Limits) -> dict:
    """What models/calibration.json holds."""
    return of._asdict() | {end: getattr(of, end)._asdict() for end in ("low", "high")}


def read_limits(record: dict) -> Limits:
    """The limits of a `limits_record`."""
    return Limits(**record | {end: Limit(**record[end]) for end in ("low", "high")})


def guarantees(of: Limits, by: str = "split.calibration_fraction") -> dict[str, str]:
    """What each answer promises, in words. by: how patients come to be kept aside."""
    share, sure = f"{of.error:.0%}", f"{of.confidence:.0%}"
    needed = fewest_patients(of.error, of.confidence)
    return {
        answer: f"of patients {whom} a bleed at most {share} have a scan with this answer, with {sure} confidence "
        f"({limit.patients} patients kept aside)"
        if limit.guaranteed
        else f"no guarantee: it needs {needed} patients {whom} a bleed kept aside ({by}), here "
        + (f"are {limit.patients}" if of.split == "calibration" else "is none")
        for answer, whom, limit in ((NO_BLEED, "with", of.low), (BLEED, "without", of.high))
    }


def _worst_of_patients(patients: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """(patients,) the least probability of each patient's scans, known ones only."""
    known = np.isfinite(probabilities)
    names, place = np.unique(patients[known], return_inverse=True)
    least = np.full(len(names), np.inf)
    np.minimum.at(least, place, probabilities[known])
    return least


def _limit(worst_first: np.ndarray, error: float, confidence: float, aside: bool) -> Limit:
    """worst_first: (patients,) probabilities, the one that is wrong first at the front."""
    n = len(worst_first)
    allowed = allowed_errors(n, error, confidence) if aside else None
    place = int(error * n) if allowed is None else allowed
    return Limit(float(worst_first[place]) if n else None, n, allowed is not None)
