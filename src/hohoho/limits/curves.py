"""Thresholds at a false-alarm rate, shares with intervals, and the psychometric curve through them.

The curve is P(found) = a + (t - a) sigmoid(±(u - m) / w): a, the false-alarm rate, is what no blood gives; t is the
plateau, at most 1; u is the level, or its logarithm, from 0 to 1 between the least and the most that was tried. The
likeliest m, w and t are looked for on a grid, so that a thousand resamples cost one matrix product and none can fail to
converge. Resamples draw heads: those without a bleed, which set the threshold, and those with one, each with all its
levels and both models.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm

from hohoho.scores.bootstrap import INTERVAL

MIDDLES = np.r_[
    np.linspace(-0.5, 0, 15, endpoint=False), np.linspace(0, 1, 101), np.linspace(1.5, 1, 15, endpoint=False)
]
WIDTHS, PLATEAUS = np.geomspace(0.02, 0.8, 10), np.r_[np.linspace(1, 0.8, 6), np.linspace(0.7, 0.1, 7)]
GRID = np.stack(np.meshgrid(MIDDLES, WIDTHS, PLATEAUS, indexing="ij"), axis=-1).reshape(-1, 3)
CERTAIN = 1e-3  # no head is found or missed with more certainty than this
BATCH = 2048  # points of the grid at once


class Curve(NamedTuple):
    """A fitted curve; of several resamples, each field an array."""

    middle: np.ndarray  # in u
    width: np.ndarray
    plateau: np.ndarray


class Scale(NamedTuple):
    """Levels as the curve sees them."""

    least: float
    most: float
    is_log: bool
    helps: bool  # the more, the more is found

    def u(self, level: np.ndarray) -> np.ndarray:
        """0 at the least, 1 at the most level."""
        least, most, level = (np.log(x) if self.is_log else np.asarray(x) for x in (self.least, self.most, level))
        return (level - least) / (most - least)

    def level(self, u: np.ndarray) -> np.ndarray:
        """Of u; -inf below the least level and inf above the most: nothing is extrapolated."""
        if self.is_log:
            inside = self.least * (self.most / self.least) ** np.clip(u, 0, 1)
        else:
            inside = self.least + (self.most - self.least) * np.clip(u, 0, 1)
        return np.where(u < 0, -np.inf, np.where(u > 1, np.inf, inside))


def threshold(scores: np.ndarray, weights: np.ndarray, false_alarms: float) -> np.ndarray:
    """(resamples,) the least score of (heads,) above which at most this share of heads lies; above it, not at it,
    a bleed is found, so that ties raise no more alarms. weights: (heads, resamples) how often each head counts.
    """
    order = np.argsort(-scores)
    ranked, counted = -scores[order], np.cumsum(weights[order], axis=0)
    above = np.vstack([np.zeros_like(counted[:1]), counted])[np.searchsorted(ranked, ranked)]
    allowed = (above <= false_alarms * weights.sum(axis=0) + 1e-9).sum(axis=0)
    return -ranked[allowed - 1]


def wilson(found: np.ndarray, of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Interval of a share (Wilson 1927, doi 10.1080/01621459.1927.10502953)."""
    z = norm.ppf((1 + INTERVAL) / 2)
    share, spread = found / of, z / (1 + z**2 / of)
    middle = (share + z**2 / (2 * of)) / (1 + z**2 / of)
    half = spread * np.sqrt(share * (1 - share) / of + z**2 / (4 * of**2))
    return np.maximum(middle - half, 0), np.minimum(middle + half, 1)


def probability(u: np.ndarray, curve: Curve, false_alarms: float, helps: bool) -> np.ndarray:
    """P(found); fields of the curve and u broadcast."""
    rise = expit((u - curve.middle) / curve.width * (1 if helps else -1))
    return false_alarms + (np.maximum(curve.plateau, false_alarms) - false_alarms) * rise


def fit(u: np.ndarray, found: np.ndarray, weights: np.ndarray, false_alarms: float, helps: bool) -> Curve:
    """The likeliest curve of each resample.

    u: (scans,). found: (scans, resamples) bool, as each resample's threshold has it. weights: (scans, resamples).
    """
    hits, misses = (weights * found).astype(np.float32), (weights * ~found).astype(np.float32)
    best, chosen = np.full(weights.shape[1], -np.inf), np.zeros(weights.shape[1], int)
    for start in range(0, len(GRID), BATCH):
        of = Curve(*GRID[start : start + BATCH].T[:, :, None])
        p = np.clip(probability(u, of, false_alarms, helps), CERTAIN, 1 - CERTAIN).astype(np.float32)
        likelihood = np.log(p) @ hits + np.log1p(-p) @ misses  # (grid, resamples)
        at = likelihood.argmax(axis=0)
        value = likelihood[at, np.arange(len(at))]
        chosen, best = np.where(value > best, start + at, chosen), np.maximum(value, best)
    return Curve(*GRID[chosen].T)


def limit(curve: Curve, share: float, false_alarms: float, scale: Scale) -> np.ndarray:
    """The level at which this share is found, ±inf beyond those that were tried (`Scale.level`)."""
    reached = (curve.plateau > share) & (share > false_alarms)
    part = np.where(reached, (share - false_alarms) / np.maximum(curve.plateau - false_alarms, 1e-9), 0.5)
    u = curve.middle + curve.width * logit(part) * (1 if scale.helps else -1)
    never = np.inf if scale.helps else -np.inf
    return scale.level(np.where(reached, u, never))


def percentiles(limits: np.ndarray) -> tuple[float, float]:
    """The interval of resampled limits, some of them beyond: one of those that occurred, never a mean of two."""
    low, high = np.quantile(limits, [(1 - INTERVAL) / 2, (1 + INTERVAL) / 2], method="nearest")
    return float(low), float(high)
