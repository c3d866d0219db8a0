"""Scores per class, for `any` bleed, micro (pooled over the five classes) and macro (mean of the five).

The macro mean is over the classes in which a score is defined.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from hohoho.inference.table import CLASSES
from hohoho.labels import LABELS
from hohoho.scores.bootstrap import Resampling, interval, resample_weights, unit_weights
from hohoho.scores.f2 import Counts, ratio
from hohoho.scores.measures import SCORES, count_scores, number, rank_scores, weighted_counts

MICRO, MACRO = "micro", "macro"
FIVE = slice(0, len(LABELS))

Scores = dict[str, dict[str, np.ndarray]]  # class, micro, macro … → score → one value per resample


class ScoredRows(NamedTuple):
    """Slices or scans, what is true of them and what a model says; columns as in CLASSES."""

    targets: np.ndarray  # (rows, 6) bool
    probabilities: np.ndarray  # (rows, 6)
    positive: np.ndarray  # (rows, 6) bool
    patient_index: np.ndarray  # (rows,) whose row it is: 0..patients - 1
    patients: int


class Bootstrapped(NamedTuple):
    """Scores of the data as they are, and of the resamples."""

    points: Scores  # arrays of one
    resampled: Scores  # arrays of as many as there are resamples, maybe none


def scored_rows(
    targets: np.ndarray, probabilities: np.ndarray, positive: np.ndarray, patients: np.ndarray
) -> ScoredRows:
    """`ScoredRows` of (rows, 6) each and (rows,) patient names."""
    names, patient_index = np.unique(patients, return_inverse=True)
    return ScoredRows(targets > 0, probabilities, positive > 0, patient_index, len(names))


def bootstrapped(scores: Callable[[np.ndarray], Scores], patients: int, resampling: Resampling) -> Bootstrapped:
    """Scores as they are and under the bootstrap over patients. scores: weights → scores."""
    resampled = scores(resample_weights(patients, resampling)) if resampling.resamples else {}
    return Bootstrapped(scores(unit_weights(patients)), resampled)


def class_scores(rows: ScoredRows, weights: np.ndarray) -> Scores:
    """SCORES of every class, micro and macro.

    weights: (resamples, patients) of each patient's rows; one value per resample.
    """
    counts = weighted_counts(rows.targets, rows.positive, rows.patient_index, weights)
    single, pooled = count_scores(counts), count_scores(Counts(*(part[:, FIVE].sum(1) for part in counts)))
    scores = {
        name: {score: values[:, column] for score, values in single.items()}
        | _ranks(rows, slice(column, column + 1), weights)
        for column, name in enumerate(CLASSES)
    }
    macro = {score: _mean_of_defined([scores[label][score] for label in LABELS]) for score in SCORES}
    return scores | {MICRO: pooled | _ranks(rows, FIVE, weights), MACRO: macro}


def difference(ours: Bootstrapped, theirs: Bootstrapped) -> Bootstrapped:
    """Ours minus theirs, resample by resample: paired, as both had the same weights."""
    return Bootstrapped(
        *(
            {name: {score: a[name][score] - b[name][score] for score in a[name]} for name in a}
            for a, b in zip(ours, theirs, strict=True)
        )
    )


def with_intervals(scores: Bootstrapped) -> dict[str, dict[str, dict]]:
    """Every score as {"value", "low", "high"}; None where undefined or without resamples."""
    table = {name: dict.fromkeys(row) for name, row in scores.points.items()}
    for name, row in scores.points.items():
        for score, point in row.items():
            low, high = interval(scores.resampled[name][score] if scores.resampled else np.empty(0))
            table[name][score] = {"value": number(point[0]), "low": number(low), "high": number(high)}
    return table


def _ranks(rows: ScoredRows, columns: slice, weights: np.ndarray) -> dict[str, np.ndarray]:
    """The rank scores of some columns, pooled."""
    targets, probabilities = rows.targets[:, columns], rows.probabilities[:, columns]
    patient_index = np.repeat(rows.patient_index, targets.shape[1])
    return rank_scores(targets.ravel(), probabilities.ravel(), patient_index, weights)


def _mean_of_defined(values: list[np.ndarray]) -> np.ndarray:
    """(resamples,) the mean over classes of what is no NaN."""
    table = np.array(values)
    defined = np.isfinite(table)
    return ratio(np.where(defined, table, 0).sum(0), defined.sum(0))
