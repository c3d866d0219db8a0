"""Where it fails: one model, group by group.

Columns: `by` (what forms the groups), `group` (unique in the table), `patients`, `with_bleed` (those who have one: they
carry F2 and recall), `slices`, `positives` (slices × classes with a bleed); micro `f2` and `recall` with 95 % intervals
over patients (`…_low`, `…_high`), `precision`, `specificity`, `auroc`. F2 and precision rise with the share of
positives: compare groups by the other three.

`by` = `bleed_slices` groups the bleeds themselves by how many slices in a row show them: there, only recall is defined,
and `bleeds`, `bleeds_found`: how many there are, how many were found on at least one slice. An interval is empty where
fewer patients with a bleed than bootstrap.MIN_PATIENTS are in a group.
"""

import re

import numpy as np
import pandas as pd

from hohoho.labels import LABELS
from hohoho.scores.bleeds import bleed_table
from hohoho.scores.bootstrap import Resampling, interval, resample_weights, sum_by_patient, unit_weights
from hohoho.scores.f2 import Counts, confusion_counts
from hohoho.scores.measures import carriers, count_scores, number, rank_scores

UNKNOWN = "unknown"
QUARTERS = ("1 vertex", "2 upper middle", "3 lower middle", "4 base")  # of the scan's slices
PLAIN = ("manufacturer", "kernel", "age_band", "sex")
BORDERS = {"thickness_mm": (1.5, 3, 5), "tilt_deg": (1, 10, 20)}  # a band ends with its upper border
FEWEST_PATIENTS = 5  # of private data: fewer could be recognised, so no file that is shared tells of them
BLEED_SLICES = {"1": (1, 1), "2": (2, 2), "3–4": (3, 4), "5–8": (5, 8), "9 or more": (9, 10**6)}
COLUMNS = ["by", "group", "patients", "with_bleed", "slices", "positives", "f2", "f2_low", "f2_high", "recall"]
COLUMNS += ["recall_low", "recall_high", "precision", "specificity", "auroc", "bleeds", "bleeds_found"]
COUNTS = ["patients", "with_bleed", "slices", "positives", "bleeds", "bleeds_found"]


def slice_groups(table: pd.DataFrame, studies: pd.DataFrame) -> pd.DataFrame:
    """One text column per way of grouping, one row per slice of the table; `unknown` where the study does not say.

    table: slices of whole scans with study and level; studies: the study table. `level`: the quarter of the scan's
    slices, counted from the vertex: thickness and coverage differ, quarters always exist.
    """
    facts = studies.set_index("study").reindex(table["study"])
    slices = table.groupby("study")["level"].transform("size").to_numpy()
    quarters = np.array(QUARTERS, dtype=object)[(table["level"].to_numpy() * 4 // slices).clip(0, 3)]
    plain = {name: facts[name].fillna(UNKNOWN).astype(str).to_numpy() for name in PLAIN}
    banded = {name: bands(facts[name].abs().to_numpy(float), borders) for name, borders in BORDERS.items()}
    return pd.DataFrame({"level": quarters, **banded, **plain}, index=table.index)


def bands(values: np.ndarray, borders: tuple[float, ...]) -> np.ndarray:
    """Each value's band as text: "0–1.5", "1.5–3", …, "> 5"; NaN is unknown."""
    names = [f"{low}–{high}" for low, high in zip((0, *borders[:-1]), borders, strict=True)]
    named = np.array([*names, f"> {borders[-1]}"], dtype=object)[np.searchsorted(borders, np.nan_to_num(values))]
    return np.where(np.isfinite(values), named, UNKNOWN)


def subgroups(
    table: pd.DataFrame, groups: pd.DataFrame, probabilities: np.ndarray, positive: np.ndarray, resampling: Resampling
) -> pd.DataFrame:
    """The table above. table: labelled slices of one split, foot to head; groups: their rows of `slice_groups`.

    probabilities, positive: (slices, 5).
    """
    rows = _by_bleed_size(table, positive, resampling)
    for by in groups:
        places = groups.reset_index(drop=True).groupby(by).indices
        for group in sorted(
            places, key=lambda name: re.sub(r"\d+", lambda digits: digits[0].zfill(4), name)
        ):  # 1–10, 10–20
            part = places[group]
            scores = _scores(table.iloc[part], probabilities[part], positive[part], resampling)
            rows.append({"by": by, "group": f"{by} {group}", **scores})
    return pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(COUNTS, "Int64"))


def without_few_patients(groups: pd.DataFrame) -> pd.DataFrame:
    """The groups of at least FEWEST_PATIENTS patients. groups: as in the table above, maybe of each `model`.

    Where those left out are fewer patients even together, the smallest other group of that `by` goes with them: a
    difference from the total would give them away. Where a group has fewer `with_bleed`, no group of that `by` says so.
    """
    groups, few = groups.copy(), groups["patients"] < FEWEST_PATIENTS
    for _, part in groups.groupby(groups.columns.intersection(["model", "by"]).tolist()):
        left_out, others = part["patients"][few[part.index]], part["patients"][~few[part.index]]
        if 0 < left_out.sum() < FEWEST_PATIENTS and len(others):
            few[others.idxmin()] = True
        if "with_bleed" in part and (part["with_bleed"][~few[part.index]] < FEWEST_PATIENTS).any():
            groups.loc[part.index, "with_bleed"] = pd.NA
    return groups[~few].reset_index(drop=True)


def _scores(table: pd.DataFrame, probabilities: np.ndarray, positive: np.ndarray, resampling: Resampling) -> dict:
    """Of the slices of one group."""
    targets = table[LABELS].to_numpy() > 0
    names, patient_index = np.unique(table["patient"].to_numpy(), return_inverse=True)
    per_patient = confusion_counts(
        targets, positive, lambda mask: sum_by_patient(mask, patient_index, len(names)).sum(axis=1)
    )
    decisions = targets.ravel(), probabilities.ravel(), np.repeat(patient_index, len(LABELS))
    scores = count_scores(Counts(*np.sum(per_patient, axis=1))) | rank_scores(*decisions, unit_weights(len(names)))
    return {
        "patients": len(names),
        "with_bleed": int((per_patient.tp + per_patient.fn > 0).sum()),
        "slices": len(targets),
        "positives": int(targets.sum()),
        **{name: number(np.squeeze(scores[name])) for name in ("f2", "recall", "precision", "specificity", "auroc")},
        **_intervals(per_patient, resampling, "f2", "recall"),
    }


def _intervals(per_patient: Counts, resampling: Resampling, *names: str) -> dict[str, float | None]:
    """Column name → end of an interval, of the scores `names`. per_patient: (patients,) each."""
    weights, carried_by = resample_weights(len(per_patient.tp), resampling), carriers(per_patient)
    resampled = count_scores(Counts(*(weights @ part for part in per_patient)))
    return {
        f"{name}_{end}": number(value)
        for name in names
        for end, value in zip(("low", "high"), interval(resampled[name], carried_by[name]), strict=True)
    }


def _by_bleed_size(table: pd.DataFrame, positive: np.ndarray, resampling: Resampling) -> list[dict]:
    """Rows of bleeds that show on equally many slices; of them, only what was found and missed is known."""
    bleeds, rows = bleed_table(table, positive), []
    bleeds["patient"] = table["patient"].to_numpy()[bleeds["row"]]
    for name, ends in BLEED_SLICES.items():
        part = bleeds[bleeds["slices"].between(*ends)]
        if part.empty:
            continue
        per = part.groupby("patient")[["found", "slices"]].sum().to_numpy().T
        zero = np.zeros(per.shape[1])
        row = {
            "by": "bleed_slices",
            "group": f"bleed_slices {name}",
            "patients": per.shape[1],
            "with_bleed": per.shape[1],
            "positives": int(part["slices"].sum()),
            "recall": number(part["found"].sum() / part["slices"].sum()),
            **_intervals(Counts(per[0], zero, per[1] - per[0], zero), resampling, "recall"),
            "bleeds": len(part),
            "bleeds_found": int((part["found"] > 0).sum()),
        }
        rows.append(row)
    return rows
