"""Bleeds, groups, smoothing and the worst slices, counted by hand on a few slices."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scored_slices import predictions, studies_of
from sklearn.metrics import fbeta_score, recall_score

from hohoho.inference.table import probabilities_of
from hohoho.labels import LABELS
from hohoho.scores.bleeds import bleed_table, erased_bleeds, single_slice_bleeds, smoothing_counts
from hohoho.scores.bootstrap import MIN_PATIENTS, Resampling
from hohoho.scores.subgroups import bands, slice_groups, subgroups, without_few_patients
from hohoho.scores.worst_slices import worst_slices
from hohoho.slices.label_patterns import smooth
from hohoho.slices.store import adjacent_runs


def table_of(**scans):
    """A table of scans whose `ich` is given as "0110"; "-" is unlabelled."""
    parts = []
    for study, text in scans.items():
        labels = [np.nan if letter == "-" else float(letter) for letter in text]
        own = {"study": study, "patient": study, "split": "test", "index": range(len(text)), "level": range(len(text))}
        own["missing_before"] = False
        parts.append(pd.DataFrame(own | dict.fromkeys(LABELS, 0.0) | {"ich": labels}))
    return pd.concat(parts, ignore_index=True)


def answers(text):
    """(slices, 5) bool: ich as "0110"."""
    positive = np.zeros((len(text), 5), dtype=bool)
    positive[:, 0] = [letter == "1" for letter in text]
    return positive


def test_a_bleed_is_a_run_within_one_scan():
    found = bleed_table(table_of(a="01101", b="11-1"), answers("010001001"))
    assert found[["row", "slices", "found"]].to_numpy().tolist() == [[1, 2, 1], [4, 1, 0], [5, 2, 1], [8, 1, 1]]


def test_a_missing_row_ends_a_bleed():
    table = table_of(a="0110").drop(index=1)
    joined = table_of(a="01110").drop(index=2)
    assert bleed_table(table, answers("000"))["slices"].tolist() == [1]
    assert bleed_table(joined, answers("0000"))["slices"].tolist() == [1, 1]


def test_smoothing_is_counted_by_the_truth():
    truth, said = "00100 11100 00000", "00100 10100 01011"
    table = table_of(**dict(zip("abc", truth.split(), strict=True)))
    positive = answers(said.replace(" ", ""))
    smoothed = np.vstack([smooth(positive[rows : rows + 5]) for rows in (0, 5, 10)])
    ich = smoothing_counts(table, positive, smoothed, Resampling(200, 0)).set_index("class").loc["ich"]
    # a: the only slice of a true bleed goes; b: 101 is filled rightly; c: 101 is filled wrongly
    assert ich[["filled_right", "filled_wrong", "dropped_right", "dropped_wrong"]].tolist() == [1, 1, 0, 1]
    assert ich[["single_slice_bleeds", "single_slice_bleeds_found", "single_slice_bleeds_erased"]].tolist() == [1, 1, 1]
    assert ich["f2"] == pytest.approx(fbeta_score(table["ich"], positive[:, 0], beta=2), abs=1e-6)
    assert ich["f2_smoothed"] == pytest.approx(fbeta_score(table["ich"], smoothed[:, 0], beta=2), abs=1e-6)
    assert ich["gain"] == pytest.approx(ich["f2_smoothed"] - ich["f2"], abs=2e-6)
    assert ich[["gain_low", "gain_high"]].isna().all()  # two patients have a bleed
    assert erased_bleeds(table, positive, smoothed) == [{"split": "test", "study": "a", "index": 2, "class": "ich"}]
    assert single_slice_bleeds(table).sum() == 1


def test_bands_end_with_their_upper_border():
    named = bands(np.array([0, 1.5, 1.6, 5, 5.1, np.nan]), (1.5, 3, 5))
    assert named.tolist() == ["0–1.5", "0–1.5", "1.5–3", "3–5", "> 5", "unknown"]


def test_every_slice_is_in_one_group_of_every_kind():
    table = predictions(12)
    groups = slice_groups(table, studies_of(table).drop(index=3))
    assert groups.notna().all(axis=None)
    lost = table["study"] == studies_of(table)["study"][3]
    assert (groups.loc[lost, ["thickness_mm", "kernel", "sex"]] == "unknown").all(axis=None)
    assert groups.loc[table["level"] == 0, "level"].unique().tolist() == ["1 vertex"]
    assert "unknown" in set(groups["manufacturer"])


def test_a_subgroup_scores_as_scikit_learn_says_of_its_slices():
    table = predictions(60)
    groups, positive = slice_groups(table, studies_of(table)), probabilities_of(table, "cnn") >= 0.5
    found = subgroups(table, groups, probabilities_of(table, "cnn"), positive, Resampling(200, 0)).set_index("group")
    assert found.index.is_unique
    female = (groups["sex"] == "F").to_numpy()
    targets, row = table[LABELS].to_numpy()[female], found.loc["sex F"]
    assert row["slices"] == female.sum()
    assert row["f2"] == pytest.approx(fbeta_score(targets, positive[female], beta=2, average="micro"), abs=1e-6)
    assert row["f2_low"] < row["f2"] < row["f2_high"]
    assert found.loc["sex F", "positives"] + found.loc["sex M", "positives"] == table[LABELS].to_numpy().sum()


def test_groups_stand_in_their_order_and_few_patients_get_no_interval():
    table = predictions(60)
    studies = studies_of(table)
    tilt = studies["patient"].map({"p0000": 15.0, "p0001": 25.0}).fillna(5.0)
    groups, positive = slice_groups(table, studies.assign(tilt_deg=tilt)), probabilities_of(table, "cnn") >= 0.5
    found = subgroups(table, groups, probabilities_of(table, "cnn"), positive, Resampling(50, 0))
    tilted = found[found["by"] == "tilt_deg"]
    assert tilted["group"].tolist() == ["tilt_deg 1–10", "tilt_deg 10–20", "tilt_deg > 20"]
    assert tilted["patients"].tolist() == [58, 1, 1]
    assert tilted["f2_low"].notna().tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("bleeding", "promised"), [(3, False), (MIN_PATIENTS - 1, False), (MIN_PATIENTS, True), (60, True)]
)
def test_the_patients_with_a_bleed_carry_the_interval_of_a_group_and_of_what_smoothing_gains(bleeding, promised):
    table = predictions(60)
    bleeds = table["patient"].str[1:].astype(int) < bleeding
    table[LABELS] = table[LABELS].mul(bleeds, axis=0)
    table.loc[bleeds & (table["index"] < 3), "ich"] = 1
    raw, everybody = probabilities_of(table, "cnn"), pd.DataFrame({"in": "one"}, index=table.index)
    positive = raw >= 0.5
    group = subgroups(table, everybody, raw, positive, Resampling(60, 0)).set_index("by").loc["in"]
    assert group["patients"] == 60 and group[["f2_low", "recall_low"]].notna().tolist() == [promised] * 2
    smoothed = np.concatenate([smooth(positive[run]) for run in adjacent_runs(table)])
    gains = smoothing_counts(table, positive, smoothed, Resampling(60, 0)).set_index("class")
    assert gains.loc[["ich", "micro"], "gain_low"].notna().tolist() == [promised] * 2


def groups_of(**ways):
    """Rows of groups that have so many patients: by → patients of each group."""
    rows = [(by, f"{by} {n}", n, 10 * n) for by, sizes in ways.items() for n in sizes]
    return pd.DataFrame(rows, columns=["by", "group", "patients", "slices"])


@pytest.mark.parametrize(
    ("sizes", "kept"),
    [
        ([5, 40], [5, 40]),
        ([1, 2, 3, 40], [40]),  # six together
        ([4, 7, 40], [40]),  # four patients would be the difference from the total
        ([2, 2, 9, 9, 40], [9, 40]),
        ([3, 4], []),
        ([4, 9], []),
        ([4], []),
        ([], []),
    ],
)
def test_groups_of_few_patients_are_left_out_and_cannot_be_had_by_subtraction(sizes, kept):
    groups = groups_of(sex=[50, 60], kernel=sizes, age_band=[6])
    found = without_few_patients(groups)
    assert found.loc[found["by"] == "kernel", "patients"].tolist() == kept
    assert found.loc[found["by"] != "kernel", "patients"].tolist() == [50, 60, 6]


@settings(deadline=None)
@given(sizes=st.lists(st.integers(1, 12), max_size=8))
def test_what_is_left_out_is_nobody_or_at_least_five_patients_or_all(sizes):
    found = without_few_patients(groups_of(kernel=sizes))["patients"].tolist()
    assert min(found, default=5) >= 5
    left_out = sum(sizes) - sum(found)
    assert left_out == 0 or left_out >= 5 or not found


def test_bleed_sizes_share_out_every_positive_slice():
    table = predictions(40)
    positive = probabilities_of(table, "cnn") >= 0.5
    found = subgroups(
        table, slice_groups(table, studies_of(table)), probabilities_of(table, "cnn"), positive, Resampling(0, 0)
    )
    sizes, targets = found[found["by"] == "bleed_slices"], table[LABELS].to_numpy()
    assert sizes["positives"].sum() == targets.sum()
    assert (sizes["recall"] * sizes["positives"]).sum() / targets.sum() == pytest.approx(
        recall_score(targets, positive, average="micro"), abs=1e-5
    )
    assert sizes["recall_low"].isna().all()
    assert (sizes["bleeds_found"] <= sizes["bleeds"]).all()


def test_the_worst_slices_are_the_surest_mistakes_one_a_scan():
    table = table_of(a="1100", b="0000", c="1000").set_index(np.arange(100, 112))
    probabilities = np.full((12, 5), 0.01)
    probabilities[[0, 1, 8], 0] = 0.02, 0.1, 0.9  # a: both missed; c: found
    probabilities[5, 3] = 0.97  # b: a false alarm
    found = worst_slices(table, probabilities, probabilities, probabilities >= 0.5)
    missed = found[found["error"] == "missed"]
    assert missed[["row", "study", "class", "truth"]].iloc[0].tolist() == [100, "a", "ich", "ich"]
    assert missed["study"].tolist() == ["a"]
    alarms = found[found["error"] == "false alarm"]
    assert alarms[["row", "study", "index", "class", "truth"]].iloc[0].tolist() == [105, "b", 1, "sdh", "none"]
    assert alarms["loss"].is_monotonic_decreasing
