"""Strange patterns in the labels of adjacent slices: isolated gaps "101" and "1001", lone positives "010".

A gap is one or two negatives of one class with a positive on both sides in the same run of adjacent slices, which ends
where the scan does or a slice is missing. So negatives at the ends of a run are no gap; gaps may share the positive
between them ("10101" has two, "1011001" one of each length); three negatives in a row are none. An unlabelled slice
(NaN) is neither positive nor negative: it ends whatever touches it. All gaps are found on the sequence as given, before
anything is changed.
"""

from typing import NamedTuple

import numpy as np

from hohoho.errors import InputError

GAP_LENGTHS = (1, 2)  # "101" and "1001"
GAP_TARGETS = {"relabel_half": 0.5, "relabel_one": 1.0}


class CleanLabels(NamedTuple):
    """The targets that training shall see, and who shall not be seen at all."""

    targets: np.ndarray  # (slices, 5) float
    left_out: np.ndarray  # sorted names of the training patients to leave out


def isolated_gaps(labels: np.ndarray, lengths: tuple[int, ...] = GAP_LENGTHS) -> np.ndarray:
    """True on the negatives of every isolated gap.

    labels: (Z,) or (Z, classes), 0 / 1 / NaN, foot to head. Returns the same shape.
    """
    positive, negative = labels == 1, labels == 0  # NaN is neither
    gaps = np.zeros(labels.shape, dtype=bool)
    for length in lengths:
        starts = len(labels) - length - 1  # windows of positive, `length` negatives, positive
        if starts < 1:
            continue
        found = positive[:starts] & positive[length + 1 :]
        for step in range(1, length + 1):
            found = found & negative[step : starts + step]
        for step in range(1, length + 1):
            gaps[step : starts + step] |= found
    return gaps


def has_gap(labels: np.ndarray) -> bool:
    """Whether a run has an isolated gap in any class. labels: (Z,) or (Z, classes), foot to head."""
    return bool(isolated_gaps(labels).any())


def relabel(labels: np.ndarray, value: float) -> np.ndarray:
    """The labels as floats, the negatives of every isolated gap set to `value` (1, or 0.5 as a soft target)."""
    return np.where(isolated_gaps(labels), value, labels.astype(np.float64))


def smooth(labels: np.ndarray) -> np.ndarray:
    """Close every "101", then drop every "010", per class along a run. labels: (Z,) or (Z, classes), 0 / 1.

    Both look at the neighbours only, so the first and the last slice of a run never change, nor does "1001".
    """
    closed = np.where(isolated_gaps(labels, lengths=(1,)), np.ones_like(labels), labels)
    lone = np.zeros(closed.shape, dtype=bool)
    lone[1:-1] = (closed[:-2] == 0) & (closed[1:-1] == 1) & (closed[2:] == 0)
    return np.where(lone, np.zeros_like(closed), closed)


def clean_labels(
    runs: list[slice], patient: np.ndarray, split: np.ndarray, targets: np.ndarray, mode: str
) -> CleanLabels:
    """The stack table's labels after cleaning; only rows whose split is "train" are looked at or changed.

    runs: of adjacent slices, foot to head; patient, split: (slices,); targets: (slices, 5), NaN where unlabelled.
    mode: as_given | relabel_half | relabel_one | filtered (whole patients with a gap in any scan and class leave).
    """
    cleaned, left_out = targets.astype(np.float64), set()
    for rows in runs if mode != "as_given" else []:
        if split[rows.start] != "train":
            continue
        if mode == "filtered":
            left_out |= {patient[rows.start]} if has_gap(targets[rows]) else set()
        else:
            cleaned[rows] = relabel(targets[rows], GAP_TARGETS[mode])
    if left_out and left_out == set(patient[split == "train"]):
        raise InputError(f"stack.labels=filtered: all {len(left_out)} training patients have a 101 or 1001 in a label")
    return CleanLabels(cleaned, np.array(sorted(left_out), dtype=object))
