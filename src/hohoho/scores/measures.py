"""Every score: SCORES has its name, what it means and how it is computed. A new one is a line of one of the two tables.

metrics/details.json has each of SCORES per class, for `any`, micro and macro; the report has a column and an
explanation of each; docs/results.md is tested against them. An undefined score is NaN, as scikit-learn's with
`zero_division=nan`: the recall of a class without positives, the precision without positive answers, F2 where there is
nothing to find and nothing was found, the AUROC of a class with one truth only.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from hohoho.scores.bootstrap import sum_by_patient
from hohoho.scores.f2 import Counts, confusion_counts, f2, ratio

CHUNK = 2_000_000  # entries of a block of resamples × rows: some ten such blocks live at once
RSNA_WEIGHTS = np.array([1, 1, 1, 1, 1, 2]) / 7  # as in CLASSES: the five, then any
RSNA_CLIP = 1e-15


class Ranking(NamedTuple):
    """Counts for every threshold in falling order, tied scores as one: (resamples, thresholds) each."""

    tp: np.ndarray
    fp: np.ndarray
    new_tp: np.ndarray  # those that this threshold has beyond the one before it
    new_fp: np.ndarray


class Score(NamedTuple):
    """What it means, in one line; how it is computed; and which patients carry it."""

    meaning: str
    of: Callable[..., np.ndarray]  # `Counts` or a `Ranking` → one value per resample
    carried_by: tuple[str, ...]  # of CARRIERS; of several, the fewest patients count


CARRIERS = {  # a patient carries a score by having at least one of these
    "positives": lambda n: n.tp + n.fn,
    "negatives": lambda n: n.tn + n.fp,
    "positive answers": lambda n: n.tp + n.fp,
    "negative answers": lambda n: n.tn + n.fn,
}


def auroc(ranking: Ranking) -> np.ndarray:
    """The share of pairs, a positive and a negative, that stand in the right order; ties count half."""
    positives, negatives = ranking.new_tp.sum(1), ranking.new_fp.sum(1)
    return ratio((ranking.new_fp * (ranking.tp - ranking.new_tp / 2)).sum(1), positives * negatives)


def average_precision(ranking: Ranking) -> np.ndarray:
    """The sum of precision × rise of recall over the thresholds."""
    found = ranking.tp + ranking.fp
    precision = np.divide(ranking.tp, found, out=np.zeros_like(ranking.tp), where=found > 0)
    return ratio((ranking.new_tp * precision).sum(1), ranking.new_tp.sum(1))


COUNT_SCORES = {
    "f2": Score("recall and precision in one; a missed bleed weighs four times a false alarm", f2, ("positives",)),
    "precision": Score("share of the positive answers that are right", lambda n: ratio(n.tp, n.tp + n.fp),
                       ("positive answers",)),
    "recall": Score("share of the bleeds that are found; also called sensitivity", lambda n: ratio(n.tp, n.tp + n.fn),
                    ("positives",)),
    "specificity": Score("share of the negatives that are left alone", lambda n: ratio(n.tn, n.tn + n.fp),
                         ("negatives",)),
}  # fmt: skip
RANK_SCORES = {
    "auroc": Score("how often a positive is ranked above a negative, at no threshold; 0.5 is chance", auroc,
                   ("positives", "negatives")),
    "average_precision": Score("mean precision over all recalls, at no threshold; the share of positives is chance",
                               average_precision, ("positives",)),
}  # fmt: skip
SCORES = COUNT_SCORES | RANK_SCORES


def count_scores(counts: Counts) -> dict[str, np.ndarray]:
    """COUNT_SCORES by name, each of the counts' shape."""
    return {name: score.of(counts) for name, score in COUNT_SCORES.items()}


def carriers(per_patient: Counts) -> dict[str, np.ndarray]:
    """How many patients carry each of SCORES. per_patient: counts of (patients, …); returns (…) int each."""
    speaking = {name: (of(per_patient) > 0).sum(axis=0) for name, of in CARRIERS.items()}
    return {name: np.min([speaking[group] for group in score.carried_by], axis=0) for name, score in SCORES.items()}


def weighted_counts(truth: np.ndarray, positive: np.ndarray, patient_index: np.ndarray, weights: np.ndarray) -> Counts:
    """(resamples, columns) each, every row counted with the weight of its patient.

    truth, positive: (rows, columns) bool; others as in `rank_scores`.
    """
    patients = weights.shape[1]
    return confusion_counts(truth, positive, lambda mask: weights @ sum_by_patient(mask, patient_index, patients))


def pooled_scores(truth: np.ndarray, positive: np.ndarray) -> dict[str, float | None]:
    """COUNT_SCORES over all answers at once, as JSON holds them. Both bool, of one shape."""
    return {name: number(value) for name, value in count_scores(confusion_counts(truth, positive)).items()}


def rank_scores(
    targets: np.ndarray, scores: np.ndarray, patient_index: np.ndarray, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """RANK_SCORES by name, one value per resample: as scikit-learn defines them, one sort for all resamples.

    targets: (rows,) bool; scores: (rows,); patient_index: (rows,) whose row it is; weights: (resamples, patients) of
    each patient's rows.
    """
    order = np.argsort(-scores, kind="stable")
    targets, patient_index = targets[order], patient_index[order]
    ends = np.flatnonzero(np.r_[np.diff(scores[order]) != 0, len(scores) > 0])  # last row of each group of ties
    step, parts = max(1, CHUNK // max(len(scores), 1)), []
    for start in range(0, len(weights), step):
        block = weights[start : start + step].astype(np.int32)[:, patient_index]
        tp = np.cumsum(block * targets, axis=1)[:, ends].astype(float)
        fp = np.cumsum(block, axis=1)[:, ends] - tp
        ranking = Ranking(tp, fp, np.diff(tp, axis=1, prepend=0), np.diff(fp, axis=1, prepend=0))
        parts.append({name: score.of(ranking) for name, score in RANK_SCORES.items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in RANK_SCORES}


def rsna_log_loss(
    targets: np.ndarray, probabilities: np.ndarray, patient_index: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """(resamples,) the score of the RSNA 2019 challenge (nat): log loss, mean over the six labels, `any` twice.

    targets, probabilities: (rows, 6); others as in `rank_scores`. The challenge's page ("RSNA Intracranial Hemorrhage
    Detection", Evaluation): `any` weighs more than the others, and probabilities are clipped at 1e-15.
    """
    of_the_truth = np.where(targets, probabilities, 1 - probabilities)
    losses = -np.log(np.clip(of_the_truth, RSNA_CLIP, 1)) @ RSNA_WEIGHTS  # NaN where a class has no probability
    sums = sum_by_patient(np.column_stack([losses, np.ones(len(losses))]), patient_index, weights.shape[1])
    return ratio(*(weights @ sums).T)


def number(value: float) -> float | None:
    """As JSON holds it: six digits, None where undefined."""
    return round(float(value), 6) if np.isfinite(value) else None
