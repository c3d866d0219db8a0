"""Plants the mistakes that real labels have, and remembers each one."""

from typing import NamedTuple

import numpy as np

KINDS = ("gap", "end", "flip")  # 101 in a run; a run one slice longer or shorter; any one label turned over
KIND_SHARES = (0.4, 0.4, 0.2)


class LabelError(NamedTuple):
    slice_index: int
    label_index: int
    kind: str


def plant_errors(rng: np.random.Generator, labels: np.ndarray, rate: float) -> tuple[np.ndarray, list[LabelError]]:
    """The labels with about `rate` errors a slice, and the errors.

    labels: (Z, 5) bool, the truth. Gaps and ends need a run of positives: scans without get only flips.
    """
    given, errors = labels.copy(), []
    for _ in range(rng.binomial(len(labels), rate)):
        kind = KINDS[rng.choice(len(KINDS), p=KIND_SHARES)]
        below, above = neighbours(given != labels)  # one error never undoes the look of another
        places = np.argwhere(candidates(labels, kind) & (given == labels) & ~below & ~above)
        if len(places):
            slice_index, label_index = (int(i) for i in places[rng.integers(len(places))])
            given[slice_index, label_index] ^= True
            errors.append(LabelError(slice_index, label_index, kind))
    return given, errors


def neighbours(marked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(Z, 5) bool twice: what is marked in the slice below, and in the slice above."""
    edge = np.zeros((1, marked.shape[1]), bool)
    return np.concatenate([edge, marked[:-1]]), np.concatenate([marked[1:], edge])


def candidates(labels: np.ndarray, kind: str) -> np.ndarray:
    """(Z, 5) bool: the labels whose turning over makes an error of this kind."""
    below, above = neighbours(labels)
    if kind == "gap":
        return labels & below & above
    if kind == "end":
        return below != above  # the last slice of a run, or the first one beyond it
    return np.ones_like(labels)
