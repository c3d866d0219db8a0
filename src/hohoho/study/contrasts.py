"""How sure a difference between two arms is: over seeds, and over the patients that tested them.

Each seed gives one difference d_k, plus − minus, on its own test patients; their mean is the estimate. Two things make
it uncertain: the seed (weights, batches, who trains and who tests), and the patients, of whom one may test in several
seeds. So the bootstrap has two levels, crossed (Owen 2007, doi 10.1214/07-AOAS122): a resample draws patients with
replacement, the same ones in every seed and on both sides, and seeds with replacement. Of n seeds the drawn mean strays
by √((n − 1) / n) too little, so its distance from the mean of all is multiplied by √(n / (n − 1)). The resamples'
standard deviation is the standard error; interval and p come from Student's t with n − 1 degrees of freedom:

    mean ± t(n − 1) SE,    p = P(|t(n − 1)| ≥ |mean| / SE)

It is careful: what the patients add to the seeds' own spread is counted again. Holm's step-down (1979) keeps the chance
of a single false word about any of the m claims below the level. The smallest effect that n seeds could have shown, at
the strictest of Holm's levels and with the plan's power, is (t(1 − level / 2m) + t(power)) SE.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from hohoho.scores.bootstrap import Resampling, resample_weights, unit_weights
from hohoho.scores.f2 import Counts, f2, ratio
from hohoho.study.plan import Contrast, Side
from hohoho.study.records import AT_BEST, AT_HALF, OF_LEVEL

CONFIDENCE = 0.95
MIN_SEEDS = 3  # below it there is no interval
SHOWN, CONTRADICTED, NOT_SHOWN, UNDECIDED = "shown", "contradicted", "not shown", "too few seeds"


class Difference(NamedTuple):
    """A contrast in one measure."""

    seeds: list[int]
    plus: np.ndarray  # (seeds,) scores
    minus: np.ndarray
    error: float  # standard error of the mean difference; NaN below MIN_SEEDS

    @property
    def mean(self) -> float:
        """plus − minus."""
        return float((self.plus - self.minus).mean()) if self.seeds else np.nan

    @property
    def df(self) -> int:
        """Degrees of freedom."""
        return max(len(self.seeds) - 1, 1)

    @property
    def interval(self) -> tuple[float, float]:
        """95 %."""
        half = float(stdtrit(self.df, (1 + CONFIDENCE) / 2)) * self.error
        return self.mean - half, self.mean + half

    @property
    def p(self) -> float:
        """Two-sided."""
        return float(2 * stdtr(self.df, -abs(self.mean) / self.error)) if self.error > 0 else np.nan

    def smallest(self, level: float, power: float) -> float:
        """The smallest effect that would have been found at this two-sided level with this power."""
        return float(stdtrit(self.df, 1 - level / 2) + stdtrit(self.df, power)) * self.error


def f2_of(sums: np.ndarray) -> np.ndarray:
    """F2 of (..., 3) true positives, false positives, false negatives; 0 where nothing is or is found."""
    tp, fp, fn = np.moveaxis(sums, -1, 0)
    return np.nan_to_num(f2(Counts(tp, fp, fn, np.zeros_like(tp))))


def r2_of(sums: np.ndarray) -> np.ndarray:
    """R² of (..., 4) count, sum and sum of squares of the truth, sum of squared errors."""
    n, total, squares, errors = np.moveaxis(sums, -1, 0)
    return 1 - ratio(errors, squares - total**2 / n)


MEASURES = {"f2": (AT_HALF, f2_of), "f2_best": (AT_BEST, f2_of), "r2": (OF_LEVEL, r2_of)}


def seeds_with(patients: pd.DataFrame, sides: list[Side]) -> list[int]:
    """The seeds that have all of these."""
    have = set(patients[["arm", "part", "seed"]].itertuples(index=False, name=None))
    return [seed for seed in sorted(set(patients["seed"])) if all((*side, seed) in have for side in sides)]


def difference(patients: pd.DataFrame, contrast: Contrast, measure: str, resamples: int) -> Difference:
    """A contrast by the sums of patients; patients: as study_patients.csv."""
    seeds = seeds_with(patients, [contrast.plus, contrast.minus])
    columns, score = MEASURES[measure]
    count = int(patients["patient"].max()) + 1 if len(patients) else 0

    def scores(side: Side, weights: np.ndarray) -> np.ndarray:  # (resamples, seeds)
        rows = patients[(patients["arm"] == side.arm) & (patients["part"] == side.part)]
        return np.column_stack([score(weights @ dense(rows[rows["seed"] == seed], columns, count)) for seed in seeds])

    if not seeds:
        return Difference([], np.array([]), np.array([]), np.nan)
    plus, minus = (scores(side, unit_weights(count))[0] for side in (contrast.plus, contrast.minus))
    error = np.nan
    if len(seeds) >= MIN_SEEDS and resamples:
        weights = resample_weights(count, Resampling(resamples, 0))
        error = two_level(scores(contrast.plus, weights) - scores(contrast.minus, weights))
    return Difference(seeds, plus, minus, error)


def dense(rows: pd.DataFrame, columns: list[str], count: int) -> np.ndarray:
    """(count, columns): one line for each patient, zeros for those that did not test."""
    values = np.zeros((count, len(columns)))
    values[rows["patient"]] = rows[columns]
    return values


def two_level(found: np.ndarray, seed: int = 0) -> float:
    """The standard error of the module's docstring. found: (resamples of patients, seeds) differences."""
    drawn = np.random.default_rng((seed, 3)).integers(found.shape[1], size=found.shape)
    mean = found.mean(axis=1)
    of_drawn = np.take_along_axis(found, drawn, axis=1).mean(axis=1)
    inflation = (found.shape[1] / (found.shape[1] - 1)) ** 0.5
    return float((mean + inflation * (of_drawn - mean)).std(ddof=1))


def by_run(runs: pd.DataFrame, contrast: Contrast, score: str) -> Difference:
    """A contrast in a score of whole runs: its error is that of the seeds alone. runs: as study_runs.csv."""
    values = runs.set_index(["arm", "part", "seed"])[score].dropna()
    seeds = seeds_with(values.reset_index(), [contrast.plus, contrast.minus])
    plus, minus = (np.array([values[(*side, k)] for k in seeds]) for side in (contrast.plus, contrast.minus))
    error = (plus - minus).std(ddof=1) / len(seeds) ** 0.5 if len(seeds) >= MIN_SEEDS else np.nan
    return Difference(seeds, plus, minus, float(error))


def holm(p: dict[str, float]) -> dict[str, float]:
    """Holm's adjusted p of each; where p is not known yet (NaN), it stays so, and counts as the largest."""
    known = sorted((value, key) for key, value in p.items() if np.isfinite(value))
    adjusted, largest = dict.fromkeys(p, np.nan), 0.0
    for rank, (value, key) in enumerate(known):
        largest = max(largest, min(1.0, (len(p) - rank) * value))
        adjusted[key] = largest
    return adjusted


def verdict(mean: float, adjusted: float, level: float) -> str:
    """Of a claim, by Holm's p and the sign; without p there are too few seeds."""
    if not np.isfinite(mean) or not np.isfinite(adjusted):
        return UNDECIDED
    return NOT_SHOWN if adjusted > level else SHOWN if mean > 0 else CONTRADICTED
