"""True bleeds, as far as slice labels can tell: a run of adjacent positive slices of one class.

And what smoothing along a scan would do to them and to the other answers, counted: 101 → 111, then 010 → 000.
"""

import numpy as np
import pandas as pd

from hohoho.labels import LABELS
from hohoho.scores.bootstrap import Resampling, interval, resample_weights, sum_by_patient, unit_weights
from hohoho.scores.class_scores import MICRO
from hohoho.scores.f2 import Counts, f2
from hohoho.scores.measures import number, weighted_counts
from hohoho.slices.store import adjacent_runs


def bleed_table(table: pd.DataFrame, positive: np.ndarray) -> pd.DataFrame:
    """One row per bleed: its `class`, its first `row` in the table, how many `slices` show it, how many were `found`.

    table: as for `adjacent_runs`, with labels; positive: (slices, 5) bool answers. A negative, an unlabelled and a
    missing slice end a bleed.
    """
    joined = np.ones(len(table) + 1, dtype=bool)  # joined[i]: row i follows row i - 1
    joined[[0, *(run.stop for run in adjacent_runs(table))]] = False
    parts = []
    for column, label in enumerate(LABELS):
        truth = table[label].to_numpy() == 1
        starts = np.flatnonzero(truth & ~(np.r_[False, truth][:-1] & joined[:-1]))
        ends = np.flatnonzero(truth & ~(np.r_[truth, False][1:] & joined[1:])) + 1
        found = np.r_[0, np.cumsum(truth & positive[:, column])]
        parts.append(
            pd.DataFrame({"class": label, "row": starts, "slices": ends - starts, "found": found[ends] - found[starts]})
        )
    return pd.concat(parts, ignore_index=True)


def single_slice_bleeds(table: pd.DataFrame) -> np.ndarray:
    """(slices, 5) bool: true bleeds that show on one slice of their scan only."""
    single = np.zeros((len(table), len(LABELS)), dtype=bool)
    bleeds = bleed_table(table, single).query("slices == 1")
    single[bleeds["row"], bleeds["class"].map(LABELS.index).astype(int)] = True
    return single


def erased_bleeds(table: pd.DataFrame, positive: np.ndarray, smoothed: np.ndarray) -> list[dict]:
    """Which single-slice bleeds that had been found smoothing would erase: split, study, index and class of each."""
    rows, classes = np.nonzero(single_slice_bleeds(table) & positive & ~smoothed)
    where = table.iloc[rows][["split", "study", "index"]].assign(**{"class": [LABELS[place] for place in classes]})
    return where.to_dict("records")


def smoothing_counts(
    table: pd.DataFrame, positive: np.ndarray, smoothed: np.ndarray, resampling: Resampling
) -> pd.DataFrame:
    """A row per `class`, then micro, which is all five.

    Columns: `f2` as it is, `f2_smoothed`, their difference `gain` with its 95 % interval over patients (`gain_low`,
    `gain_high`, paired); `filled_right` / `filled_wrong`: negatives that became positive, by the truth; `dropped_right`
    / `dropped_wrong`: positives that became negative; `single_slice_bleeds`: true bleeds seen on one slice, `…_found`
    before and `…_erased` by smoothing.
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
    names, patient_index = np.unique(table["patient"].to_numpy(), return_inverse=True)
    weights = np.vstack([unit_weights(len(names)), resample_weights(len(names), resampling)])
    bleeding = sum_by_patient(truth, patient_index, len(names)) > 0  # (patients, classes): they carry F2
    carried_by = [*bleeding.sum(0), bleeding.any(1).sum()]
    before, after = (_f2(truth, decisions, patient_index, weights) for decisions in (positive, smoothed))
    gains = (after - before).T
    low, high = np.transpose([interval(gain[1:], n) for gain, n in zip(gains, carried_by, strict=True)])
    gain = {"f2": before[0], "f2_smoothed": after[0], "gain": gains[:, 0], "gain_low": low, "gain_high": high}
    columns = {name: [number(value) for value in values] for name, values in gain.items()}
    counts = {name: [*case.sum(0), case.sum()] for name, case in cases.items()}
    return pd.DataFrame({"class": [*LABELS, MICRO], **columns, **counts})


def _f2(truth: np.ndarray, positive: np.ndarray, patient_index: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(resamples, 6): of each class, then micro."""
    counts = weighted_counts(truth, positive, patient_index, weights)
    return f2(Counts(*(np.column_stack([part, part.sum(1)]) for part in counts)))
