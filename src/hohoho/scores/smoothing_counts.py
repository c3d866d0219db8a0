"""What smoothing would do to the answers along a scan, counted: 101 → 111, then 010 → 000.

Columns: `class` (or `micro`: all five); `f2` as it is, `f2_smoothed`, their difference `gain` with its 95 % interval
over patients (`gain_low`, `gain_high`, paired); `filled_right` / `filled_wrong`: negatives that became positive, by the
truth; `dropped_right` / `dropped_wrong`: positives that became negative; `single_slice_bleeds`: true bleeds seen on one
slice, `…_found` before and `…_erased` by smoothing.
"""

import numpy as np
import pandas as pd

from hohoho.labels import LABELS
from hohoho.scores.bleeds import bleed_table
from hohoho.scores.bootstrap import interval, once_each, patient_draws, per_patient
from hohoho.scores.class_scores import MICRO
from hohoho.scores.rates import number, outcomes, rates


def smoothing_counts(
    table: pd.DataFrame, positive: np.ndarray, smoothed: np.ndarray, resamples: int, seed: int
) -> pd.DataFrame:
    """The table above: a row per class, then micro.

    table: labelled slices of one split; positive, smoothed: (slices, 5) bool answers before and after.
    """
    truth, single = table[LABELS].to_numpy() > 0, single_slice_bleeds(table)
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
    f2 = _gain(truth, positive, smoothed, table["patient"].to_numpy(), resamples, seed)
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


def _gain(truth, positive, smoothed, patients: np.ndarray, resamples: int, seed: int) -> dict[str, list]:
    """F2 before and after and their difference, of each class and micro."""
    names, codes = np.unique(patients, return_inverse=True)
    draws = np.vstack([once_each(len(names)), patient_draws(len(names), resamples, seed)])
    before, after = _f2(truth, positive, codes, draws), _f2(truth, smoothed, codes, draws)
    gain = after - before
    low, high = np.transpose([interval(column) for column in gain[1:].T])
    columns = {"f2": before[0], "f2_smoothed": after[0], "gain": gain[0], "gain_low": low, "gain_high": high}
    return {name: [number(value) for value in values] for name, values in columns.items()}


def _f2(truth: np.ndarray, positive: np.ndarray, codes: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """(draws, 6): of each class, then micro."""
    counts = [draws @ per_patient(case, codes, draws.shape[1]) for case in outcomes(truth, positive)]
    return rates(*(np.column_stack([count, count.sum(1)]) for count in counts))["f2"]
