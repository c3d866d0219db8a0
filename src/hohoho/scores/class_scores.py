"""Scores per class, for `any` bleed, micro (pooled over the five classes) and macro (mean of the five).

An undefined score is NaN, as scikit-learn's with `zero_division=nan`: the recall of a class without positives, the
precision without positive answers, F2 where there is nothing to find and nothing was found, the AUROC of a class with
one truth only. The macro mean is over the classes in which a score is defined.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from hohoho.labels import LABELS
from hohoho.scores.bootstrap import interval, once_each, patient_draws, per_patient
from hohoho.scores.rank_scores import rank_scores
from hohoho.scores.rates import number, outcomes, rates, ratio

CLASSES = (*LABELS, "any")
MICRO, MACRO = "micro", "macro"
FIVE = slice(0, len(LABELS))

Scores = dict[str, dict[str, np.ndarray]]  # class, micro, macro … → score → one value per draw


class Judged(NamedTuple):
    """Slices or scans with truth and answers; columns as in CLASSES."""

    targets: np.ndarray  # (rows, 6) bool
    probabilities: np.ndarray  # (rows, 6)
    positive: np.ndarray  # (rows, 6) bool
    codes: np.ndarray  # (rows,) whose row it is: 0..patients - 1
    patients: int


class Sampled(NamedTuple):
    """Scores of the data as they are, and of the resamples."""

    points: Scores  # arrays of one
    resampled: Scores  # arrays of as many as there are resamples, maybe none


def judged(targets: np.ndarray, probabilities: np.ndarray, positive: np.ndarray, patients: np.ndarray) -> Judged:
    """From (rows, 5) each and (rows,) patient names; `any` is the largest of the five, in all three."""
    names, codes = np.unique(patients, return_inverse=True)
    return Judged(with_any(targets) > 0, with_any(probabilities), with_any(positive) > 0, codes, len(names))


def with_any(values: np.ndarray) -> np.ndarray:
    """(rows, 6) from (rows, 5): the last column is the largest of the five."""
    return np.column_stack([values, values.max(axis=1, initial=0)])


def sampled(scores: Callable[[np.ndarray], Scores], patients: int, resamples: int, seed: int) -> Sampled:
    """Scores as they are and under the bootstrap over patients. Same patients and seed: same draws.

    scores: draws → scores.
    """
    return Sampled(scores(once_each(patients)), scores(patient_draws(patients, resamples, seed)) if resamples else {})


def class_scores(rows: Judged, draws: np.ndarray) -> Scores:
    """F2, precision, recall, specificity, average precision and AUROC of every class, micro and macro.

    draws: (resamples, patients), the weight of each patient's rows; one value per draw.
    """
    counts = [draws @ per_patient(case, rows.codes, rows.patients) for case in outcomes(rows.targets, rows.positive)]
    single, pooled = rates(*counts), rates(*(part[:, FIVE].sum(1) for part in counts))
    found = {
        name: {score: single[score][:, column] for score in single} | _ranks(rows, slice(column, column + 1), draws)
        for column, name in enumerate(CLASSES)
    }
    macro = {score: _mean([found[name][score] for name in LABELS]) for score in found[CLASSES[0]]}
    return found | {MICRO: pooled | _ranks(rows, FIVE, draws), MACRO: macro}


def difference(ours: Sampled, theirs: Sampled) -> Sampled:
    """Ours minus theirs, draw by draw: paired, as both were drawn alike."""
    return Sampled(*(_minus(a, b) for a, b in zip(ours, theirs, strict=True)))


def with_intervals(found: Sampled) -> dict[str, dict[str, dict]]:
    """Every score as {"value", "low", "high"}; None where undefined or without resamples."""
    nothing = np.empty(0)
    return {
        name: {score: _scored(value, found.resampled.get(name, {}).get(score, nothing)) for score, value in row.items()}
        for name, row in found.points.items()
    }


def _scored(point: np.ndarray, resampled: np.ndarray) -> dict[str, float | None]:
    low, high = interval(resampled)
    return {"value": number(point[0]), "low": number(low), "high": number(high)}


def _minus(ours: Scores, theirs: Scores) -> Scores:
    return {name: {score: ours[name][score] - theirs[name][score] for score in ours[name]} for name in ours}


def _ranks(rows: Judged, columns: slice, draws: np.ndarray) -> dict[str, np.ndarray]:
    """AUROC and average precision of some columns, pooled."""
    targets, probabilities = rows.targets[:, columns], rows.probabilities[:, columns]
    codes = np.repeat(rows.codes, targets.shape[1])
    return rank_scores(targets.ravel(), probabilities.ravel(), codes, draws)._asdict()


def _mean(values: list[np.ndarray]) -> np.ndarray:
    """The mean of what is defined, per draw."""
    table = np.array(values)
    defined = np.isfinite(table)
    return ratio(np.where(defined, table, 0).sum(0), defined.sum(0))
