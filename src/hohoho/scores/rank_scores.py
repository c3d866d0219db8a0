"""AUROC and average precision of weighted rows, for many weightings at once: one sort serves every resample."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from hohoho.scores.rates import ratio

CHUNK = 2_000_000  # entries of a block of resamples × rows: some ten such blocks live at once


class RankScores(NamedTuple):
    """One value per weighting; NaN where undefined: AUROC without positives or negatives, AP without positives."""

    auroc: np.ndarray
    average_precision: np.ndarray


def rank_scores(targets: np.ndarray, scores: np.ndarray, codes: np.ndarray, draws: np.ndarray) -> RankScores:
    """Scores of one ranking, as scikit-learn defines them; ties count half (AUROC) or as one threshold (AP).

    targets: (rows,) bool; scores: (rows,); codes: (rows,) whose row it is; draws: (resamples, patients), the weight of
    each patient's rows.
    """
    order = np.argsort(-scores, kind="stable")
    targets, codes = targets[order], codes[order]
    ends = np.flatnonzero(np.r_[np.diff(scores[order]) != 0, len(scores) > 0])  # last row of each group of ties
    parts = [_of_weights(draw[:, codes], targets, ends) for draw in _chunks(draws, len(scores))]
    return RankScores(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _chunks(draws: np.ndarray, rows: int) -> Iterator[np.ndarray]:
    step = max(1, CHUNK // max(rows, 1))
    return (draws[start : start + step].astype(np.int32) for start in range(0, len(draws), step))


def _of_weights(weights: np.ndarray, targets: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """weights: (resamples, rows) in falling order of the scores."""
    answered = np.cumsum(weights, axis=1)[:, ends]
    tp = np.cumsum(weights * targets, axis=1)[:, ends].astype(float)
    fp = answered - tp
    positives, negatives = tp[:, -1:].sum(1), fp[:, -1:].sum(1)  # 0 where there are no rows
    new_tp, new_fp = np.diff(tp, axis=1, prepend=0), np.diff(fp, axis=1, prepend=0)
    area = (new_fp * (tp - new_tp / 2)).sum(1)
    steps = (new_tp * np.divide(tp, answered, out=np.zeros_like(tp), where=answered > 0)).sum(1)
    return ratio(area, positives * negatives), ratio(steps, positives)
