"""Where it fails: the row's own model, group by group.

Columns: `by` (what forms the groups), `group` (unique in the table), `patients`, `slices`, `positives` (slices ×
classes with a bleed); micro `f2` and `recall` with 95 % intervals over patients (`…_low`, `…_high`), `precision`,
`specificity`, `auroc`. F2 and precision rise with the share of positives: compare groups by the other three.

`by` = `bleed_slices` groups the bleeds themselves by how many slices in a row show them: there, only recall is defined,
and `bleeds`, `bleeds_found`: how many there are, how many were found on at least one slice. An interval is empty where
fewer than MIN_PATIENTS patients speak for a group.
"""

import re

import numpy as np
import pandas as pd

from hohoho.labels import LABELS
from hohoho.scores.bleeds import bleed_table
from hohoho.scores.bootstrap import interval, once_each, patient_draws, per_patient
from hohoho.scores.rank_scores import rank_scores
from hohoho.scores.rates import number, outcomes, rates

MIN_PATIENTS = 20  # simulated: intervals of 95 % cover the truth in 77 % with 5 patients, 87 % with 10, 91 % with 20
BLEED_SLICES = {"1": (1, 1), "2": (2, 2), "3–4": (3, 4), "5–8": (5, 8), "9 or more": (9, 10**6)}
COLUMNS = ["by", "group", "patients", "slices", "positives", "f2", "f2_low", "f2_high", "recall", "recall_low"]
COLUMNS += ["recall_high", "precision", "specificity", "auroc", "bleeds", "bleeds_found"]
COUNTS = ["patients", "slices", "positives", "bleeds", "bleeds_found"]


def subgroups(
    table: pd.DataFrame,
    groups: pd.DataFrame,
    probabilities: np.ndarray,
    positive: np.ndarray,
    resamples: int,
    seed: int,
) -> pd.DataFrame:
    """The table above. table: labelled slices of one split, foot to head; groups: their rows of `slice_groups`.

    probabilities, positive: (slices, 5).
    """
    targets, patients = table[LABELS].to_numpy() > 0, table["patient"].to_numpy()
    found = _bleed_sizes(table, positive, resamples, seed)
    for by in groups:
        for group, rows in sorted(groups.reset_index(drop=True).groupby(by).indices.items(), key=_natural):
            scores = _scores(targets[rows], probabilities[rows], positive[rows], patients[rows], resamples, seed)
            found.append({"by": by, "group": f"{by} {group}", **scores})
    return pd.DataFrame(found, columns=COLUMNS).astype(dict.fromkeys(COUNTS, "Int64"))


def _natural(item: tuple) -> str:
    """A key that puts 1–10 before 10–20. item: group and its rows."""
    return re.sub(r"\d+", lambda digits: digits[0].zfill(4), item[0])


def _scores(targets, probabilities, positive, patients, resamples: int, seed: int) -> dict:
    """Of the slices of one group: (slices, 5), (slices, 5), (slices, 5), (slices,)."""
    names, codes = np.unique(patients, return_inverse=True)
    cases = np.column_stack([case.sum(1) for case in outcomes(targets, positive)])
    counts = per_patient(cases, codes, len(names))
    answers = targets.ravel(), probabilities.ravel(), np.repeat(codes, len(LABELS))
    point = rates(*counts.sum(0)[:, None]) | rank_scores(*answers, once_each(len(names)))._asdict()
    intervals = _intervals(counts, resamples, seed)
    return {
        "patients": len(names),
        "slices": len(targets),
        "positives": int(targets.sum()),
        **{score: number(point[score][0]) for score in ("f2", "recall", "precision", "specificity", "auroc")},
        **{end: value for score in ("f2", "recall") for end, value in intervals[score].items()},
    }


def _intervals(counts: np.ndarray, resamples: int, seed: int) -> dict[str, dict[str, float | None]]:
    """Score → its two ends by column name. counts: (patients, 4) tp, fp, fn, tn."""
    enough = resamples and len(counts) >= MIN_PATIENTS
    draws = patient_draws(len(counts), resamples if enough else 0, seed)
    resampled = rates(*(draws @ counts).T)
    ends = {score: interval(values) for score, values in resampled.items()}
    return {score: {f"{score}_low": number(low), f"{score}_high": number(high)} for score, (low, high) in ends.items()}


def _bleed_sizes(table: pd.DataFrame, positive: np.ndarray, resamples: int, seed: int) -> list[dict]:
    bleeds = bleed_table(table, positive)
    bleeds["patient"] = table["patient"].to_numpy()[bleeds["row"]]
    sizes = {name: bleeds[bleeds["slices"].between(*ends)] for name, ends in BLEED_SLICES.items()}
    return [_bleed_row(name, part, resamples, seed) for name, part in sizes.items() if len(part)]


def _bleed_row(name: str, bleeds: pd.DataFrame, resamples: int, seed: int) -> dict:
    per = bleeds.groupby("patient")[["found", "slices"]].sum()
    zero = np.zeros(len(per))
    counts = np.column_stack([per["found"], zero, per["slices"] - per["found"], zero])
    return {
        "by": "bleed_slices",
        "group": f"bleed_slices {name}",
        "patients": len(per),
        "positives": int(bleeds["slices"].sum()),
        "recall": number(bleeds["found"].sum() / bleeds["slices"].sum()),
        **_intervals(counts, resamples, seed)["recall"],
        "bleeds": len(bleeds),
        "bleeds_found": int((bleeds["found"] > 0).sum()),
    }
