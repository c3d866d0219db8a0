"""Scores per class, for `any` bleed, micro (pooled over the five classes) and macro (mean of the five).

The macro mean is over the classes in which a score is defined.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from hohoho.inference.table import CLASSES
from hohoho.labels import LABELS
from hohoho.scores.bootstrap import Resampling, interval, resample_weights, sum_by_patient, unit_weights
from hohoho.scores.f2 import Counts, confusion_counts, f2, ratio
from hohoho.scores.measures import SCORES, carriers, count_scores, number, rank_scores, weighted_counts

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
    """Scores of the data as they are, and of the resamples; and how many patients carry each."""

    points: Scores  # arrays of one
    resampled: Scores  # arrays of as many as there are resamples, maybe none
    carriers: dict[str, dict[str, int]]  # class, micro, macro … → score → patients
    patients: int  # they carry all other scores


def scored_rows(
    targets: np.ndarray, probabilities: np.ndarray, positive: np.ndarray, patients: np.ndarray
) -> ScoredRows:
    """`ScoredRows` of (rows, 6) each and (rows,) patient names."""
    names, patient_index = np.unique(patients, return_inverse=True)
    return ScoredRows(targets > 0, probabilities, positive > 0, patient_index, len(names))


def bootstrapped(rows: ScoredRows, scores: Callable[[np.ndarray], Scores], resampling: Resampling) -> Bootstrapped:
    """Scores of the rows as they are and under the bootstrap over patients. scores: weights → scores."""
    resampled = scores(resample_weights(rows.patients, resampling)) if resampling.resamples else {}
    return Bootstrapped(scores(unit_weights(rows.patients)), resampled, class_carriers(rows), rows.patients)


def class_carriers(rows: ScoredRows) -> dict[str, dict[str, int]]:
    """How many patients carry each of SCORES: of every class, micro and macro.

    A weak class has a fifth of the macro mean, so it counts five times there, at most as the middle one of the classes;
    a class that nobody carries is not in the mean.
    """
    per_patient = confusion_counts(
        rows.targets, rows.positive, lambda mask: sum_by_patient(mask, rows.patient_index, rows.patients)
    )
    single, pooled = carriers(per_patient), carriers(Counts(*(part[:, FIVE].sum(1) for part in per_patient)))
    of_class = {name: {score: int(n[column]) for score, n in single.items()} for column, name in enumerate(CLASSES)}
    macro = {score: _macro_carriers(n[FIVE][n[FIVE] > 0]) for score, n in single.items()}
    return of_class | {MICRO: {score: int(n) for score, n in pooled.items()}, MACRO: macro}


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


def micro_f2_scores(rows: ScoredRows, weights: np.ndarray) -> Scores:
    """Micro F2 alone."""
    counts = weighted_counts(rows.targets[:, FIVE], rows.positive[:, FIVE], rows.patient_index, weights)
    return {MICRO: {"f2": f2(Counts(*(part.sum(1) for part in counts)))}}


def difference(ours: Bootstrapped, theirs: Bootstrapped) -> Bootstrapped:
    """Ours minus theirs, resample by resample: paired, as both had the same weights. The fewer patients carry it."""

    def each(combine, a, b):
        return {name: {score: combine(row[score], b[name][score]) for score in row} for name, row in a.items()}

    points, resampled = (each(np.subtract, *pair) for pair in zip(ours[:2], theirs[:2], strict=True))
    return Bootstrapped(points, resampled, each(min, ours.carriers, theirs.carriers), ours.patients)


def with_intervals(scores: Bootstrapped) -> dict[str, dict[str, dict]]:
    """Every score as {"value", "low", "high", "patients"}: the interval is None where it would promise too much.

    patients: how many carry the score.
    """
    table = {name: {} for name in scores.points}
    for name, row in scores.points.items():
        for score, point in row.items():
            patients = scores.carriers[name].get(score, scores.patients)
            low, high = interval(scores.resampled[name][score] if scores.resampled else np.empty(0), patients)
            ends = {"low": number(low), "high": number(high)}
            table[name][score] = {"value": number(point[0]), **ends, "patients": patients}
    return table


def _macro_carriers(of_class: np.ndarray) -> int:
    return int(min(len(of_class) * of_class.min(), np.median(of_class))) if len(of_class) else 0


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
