"""Plants the mistakes that real labels have, and remembers each one."""

from typing import NamedTuple

import numpy as np

KINDS = ("gap", "end", "flip")  # 101 in a run; a run one slice longer or shorter; any one label turned over
KIND_SHARES = (0.4, 0.4, 0.2)


class LabelError(NamedTuple):
    row: int  # of the slices of all scans
    label_index: int
    kind: str


def plant_errors(rng: np.random.Generator, scans: list[np.ndarray], rate: float) -> tuple[np.ndarray, list[LabelError]]:
    """((slices of all scans, 5) bool: the labels with `rate` errors a slice; the errors, by row).

    scans: (Z, 5) bool each, the truth. Gaps and ends need a run of positives, so a scan without bleeds gets only flips;
    what finds no place in any scan becomes an error of the next kind.
    """
    labels = np.concatenate(scans)
    given, errors, wanted = labels.copy(), [], 0
    for kind, count in zip(KINDS, rng.multinomial(round(rate * len(labels)), KIND_SHARES).tolist(), strict=True):
        wanted += count
        places = np.argwhere(np.concatenate([candidates(scan, kind) for scan in scans]))
        for row, label_index in rng.permutation(places).tolist():
            if len(errors) == wanted:
                break
            near = slice(max(row - 1, 0), row + 2)  # one error never undoes the look of another
            if (given[near, label_index] == labels[near, label_index]).all():
                given[row, label_index] ^= True
                errors.append(LabelError(row, label_index, kind))
    return given, sorted(errors)


def candidates(labels: np.ndarray, kind: str) -> np.ndarray:
    """(Z, 5) bool: the labels whose turning over makes an error of this kind."""
    edge = np.zeros((1, labels.shape[1]), bool)
    below, above = np.concatenate([edge, labels[:-1]]), np.concatenate([labels[1:], edge])
    if kind == "gap":
        return labels & below & above
    if kind == "end":
        return below != above  # the last slice of a run, or the first one beyond it
    return np.ones_like(labels)
