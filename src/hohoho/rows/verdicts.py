"""Whether a recipe's F2 here is the poster's, by what seeds and patients alone can move.

The poster prints y, the validation F2 of one run. Here n runs that differ by their seed alone have the mean m. Two
parts of m − y are chance that no seed of ours can take away: the seed of the poster's run (σ_p, from its repeated
columns), and who validates, there and here (τ each, from the bootstrap over patients; both sides have about as many).
So a row has the

    tolerance  T = t(ν) √V,  V = σ_p² + 2 τ²,  ν = V² / (σ_p⁴ / df_p)   (Satterthwaite; τ counts as known)

within which m of the poster's own recipe lies in 95 % of cases, were there any number of seeds. With n of them, m is
known to ± h = t(df) s / √n; s, df: the spread over seeds here. Then

    reproduced    |m − y| + h ≤ T
    differs       |m − y| − h > T
    cannot tell   anything else: more seeds make h smaller, until it is certain which of |m − y| and T is larger.

So the poster's own recipe "differs" in about 5 % of cases at most. A difference smaller than T cannot be seen, and a
row that has one is "reproduced": T stands in the verdict. t: the two-sided 95 % quantile of Student's distribution.
"""

from collections.abc import Iterable
from typing import NamedTuple

from scipy.special import ndtri, stdtrit

from hohoho.rows.spread import MIN_SEEDS, Spread
from hohoho.scores.bootstrap import INTERVAL

CONFIDENCE = 0.95
MOST_SEEDS = 1000  # what would take more is not worth a number
KINDS = ("reproduced", "differs", "cannot tell", "run", "not run")


class Verdict(NamedTuple):
    """What is said of a row."""

    kind: str  # one of KINDS
    text: str  # it and its reason


class Comparison(NamedTuple):
    """A recipe's runs here beside the one that the poster prints, in F2 on validation."""

    difference: float  # m − y
    seeds: int  # n
    spread: Spread | None  # over seeds here; None: not measured
    poster: Spread | None  # over seeds at the poster; None: it repeats no run
    patients_sd: float | None  # τ; None: no interval over the validation patients


def quantile(df: float) -> float:
    """t(df), two-sided at CONFIDENCE."""
    return float(stdtrit(df, (1 + CONFIDENCE) / 2))


def patients_sd(intervals: Iterable[tuple[float, float] | None]) -> float | None:
    """τ: the root of the mean variance that these intervals of F2 over patients have; None where there is none."""
    width = 2 * float(ndtri((1 + INTERVAL) / 2))  # of an interval, in standard deviations
    variances = [((high - low) / width) ** 2 for low, high in filter(None, intervals)]
    return (sum(variances) / len(variances)) ** 0.5 if variances else None


def own_tolerance(comparison: Comparison) -> float | None:
    """T of the module's docstring; None where one of its parts has not been measured."""
    if comparison.poster is None or comparison.patients_sd is None:
        return None
    runs, patients = comparison.poster.sd**2, 2 * comparison.patients_sd**2
    variance = runs + patients
    df = comparison.poster.df * variance**2 / runs**2 if runs else float("inf")
    return quantile(min(df, 1e9)) * variance**0.5


def half_width(spread: Spread, seeds: int) -> float:
    """h of the module's docstring."""
    return quantile(spread.df) * spread.sd / seeds**0.5


def verdict(comparison: Comparison, tolerance: float | None = None) -> Verdict:
    """By the row's own tolerance, or by another one that is given."""
    tolerance = own_tolerance(comparison) if tolerance is None else tolerance
    if comparison.spread is None:
        return Verdict("cannot tell", f"cannot tell: no seeds ({comparison.seeds} run; {MIN_SEEDS} give their spread)")
    if tolerance is None:
        return Verdict("cannot tell", "cannot tell: no interval over the validation patients (evaluate.bootstrap)")
    distance, half = round(abs(comparison.difference), 6), half_width(comparison.spread, comparison.seeds)
    kind = "reproduced" if distance + half <= tolerance else "differs" if distance - half > tolerance else "cannot tell"
    text = f"{kind}: {comparison.difference:+.3f} ± {half:.3f}, tolerance {tolerance:.3f}"
    if kind == "cannot tell":
        needed = seeds_needed(comparison, tolerance)
        text += f"; {needed} seeds would tell" if needed else f"; {MOST_SEEDS} seeds would not tell"
    return Verdict(kind, text)


def seeds_needed(comparison: Comparison, tolerance: float) -> int | None:
    """The smallest number of seeds in all that would decide, if mean and spread stayed as they are; None: too many."""
    distance = round(abs(comparison.difference), 6)
    counts = range(max(MIN_SEEDS, comparison.seeds + 1), MOST_SEEDS + 1)
    halves = ((n, half_width(Spread(comparison.spread.sd, n - 1), n)) for n in counts)
    return next((n for n, half in halves if not distance - half <= tolerance < distance + half), None)
