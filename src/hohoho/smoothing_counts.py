"""What smoothing would do to the answers along a scan, counted: 101 → 111, then 010 → 000.

Columns: `class` (or `micro`: all five); `f2` as it is, `f2_smoothed`; `filled_right` / `filled_wrong`: negatives that
became positive, by the truth; `dropped_right` / `dropped_wrong`: positives that became negative; `single_slice_bleeds`:
true bleeds seen on one slice, `…_found` before and `…_erased` by smoothing.
"""

import numpy as np
import pandas as pd

from hohoho.bleeds import bleed_table
from hohoho.class_scores import MICRO
from hohoho.labels import LABELS
from hohoho.rates import number, outcomes, rates


def smoothing_counts(table: pd.DataFrame, positive: np.ndarray, smoothed: np.ndarray) -> pd.DataFrame:
    """The table above: a row per class, then micro.

    table: labelled slices of one split; positive, smoothed: (slices, 5) bool answers before and after.
    """
    truth, single = table[list(LABELS)].to_numpy() > 0, single_slice_bleeds(table)
    filled, dropped = smoothed & ~positive, positive & ~smoothed
    cases = {
        "filled_right": filled & truth,
        "filled_wrong": filled & ~truth,
        "dropped_right": dropped & ~truth,
        "dropped_wrong": dropped & truth,
        "single_slice_bleeds": single,
        "single_slice_bleeds_found": single & positive,
        "single_slice_bleeds_erased": single & dropped,
    }
    f2 = {"f2": _f2(truth, positive), "f2_smoothed": _f2(truth, smoothed)}
    counts = {name: [*case.sum(0), case.sum()] for name, case in cases.items()}
    return pd.DataFrame({"class": [*LABELS, MICRO], **f2, **counts})


def single_slice_bleeds(table: pd.DataFrame) -> np.ndarray:
    """(slices, 5) bool: true bleeds that show on one slice of their scan only."""
    found = bleed_table(table, np.zeros((len(table), len(LABELS)), dtype=bool))
    found = found[found["slices"] == 1]
    single = np.zeros((len(table), len(LABELS)), dtype=bool)
    single[found["row"], found["class"].map(LABELS.index)] = True
    return single


def erased_bleeds(table: pd.DataFrame, positive: np.ndarray, smoothed: np.ndarray) -> list[dict]:
    """Which single-slice bleeds that had been found smoothing would erase: split, study, index and class of each."""
    rows, classes = np.nonzero(single_slice_bleeds(table) & positive & ~smoothed)
    where = table.iloc[rows]
    return [
        {"split": split, "study": study, "index": int(index), "class": LABELS[number]}
        for split, study, index, number in zip(where["split"], where["study"], where["index"], classes, strict=True)
    ]


def _f2(truth: np.ndarray, positive: np.ndarray) -> list[float | None]:
    counts = [case.sum(0) for case in outcomes(truth, positive)]
    return [number(value) for value in rates(*(np.r_[count, count.sum()] for count in counts))["f2"]]
