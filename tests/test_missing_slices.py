"""Which slices are missing, told from numbers and positions; and that nothing reaches across a missing one."""

from types import SimpleNamespace

import cv2
import numpy as np
import pandas as pd
import pytest
from ct_files import ct_slice, save_all
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from inventories import find, find_in
from scored_slices import predictions

from hohoho.figures.disagreements import label_gaps, rows_around
from hohoho.inference.table import probabilities_of
from hohoho.ingest.ingest import ingest
from hohoho.labels import LABELS
from hohoho.predict import result
from hohoho.pseudonyms import PUBLIC_KEY
from hohoho.scans.geometry import missing_slices
from hohoho.scans.scan import Scan
from hohoho.scores.bleeds import bleed_table
from hohoho.scores.predictions import model_predictions
from hohoho.scores.truth import truth_of
from hohoho.slices.label_patterns import clean_labels
from hohoho.slices.stacks import stack_table
from hohoho.slices.store import adjacent_runs, read_slice_table
from hohoho.sources.ct_ich import TYPES as CT_ICH_TYPES

GE_HEAD_MM = np.cumsum([0, *[4] * 14, 1.08, *[7] * 14])  # fine in the posterior fossa, coarse above
STEPS_MM = st.sampled_from([0.625, 1.25, 2.5, 3, 4, 4.8, 5, 7, 8, 10])


def scan_of(position_mm, step_mm=None):
    places = np.array(position_mm, float)
    return Scan("p", "s", tuple(places), None, places, np.ones((len(places), 2)), None, step_mm=step_mm)


def off(draw, position_mm, step_mm):
    """The positions, each off by up to 2 % of the step."""
    noise = draw(st.lists(st.floats(-0.02, 0.02), min_size=len(position_mm), max_size=len(position_mm)))
    return position_mm + step_mm * np.array(noise)


def lose(draw, among, most):
    """Some of the slices `among`, at most two gaps in a row growing by it."""
    lost = draw(st.lists(st.sampled_from(among), min_size=1, max_size=most, unique=True).map(sorted))
    wide = np.diff(np.setdiff1d(np.arange(among[0] - 1, among[-1] + 2), lost)) > 1
    assume(not (wide[:-2] & wide[1:-1] & wide[2:]).any())
    return lost


def assert_missing(position_mm, lost):
    """Without the slices `lost`, exactly their gaps are flagged."""
    kept = np.setdiff1d(np.arange(len(position_mm)), lost)
    flags = missing_slices(position_mm[kept])
    assert kept[flags].tolist() == kept[1:][np.diff(kept) > 1].tolist()


@pytest.mark.parametrize(
    ("position_mm", "above"),
    [
        ([0, 5, 10, 20, 25], [20]),
        ([0, 5, 10, 20], [20]),
        ([0, 10, 15, 20], [10]),
        ([0, 1, 3, 5, 6], [3, 5]),  # two near each other
        ([0, 5, 15, 20, 30, 35, 45], [15, 30, 45]),  # alternating
        ([0, 5, 10, 15, 25, 35, 45, 50, 55, 60], [25, 35, 45]),
        ([0, 5, 10, 15, 35, 50, 55, 60], [35, 50]),  # three and two
        ([0, 4, 8, 12, 13, 20, 27, 34], []),
        (GE_HEAD_MM, []),
        (np.delete(GE_HEAD_MM, [4, 6, 20, 22]), GE_HEAD_MM[[5, 7, 21, 23]]),
        (np.arange(0, 100, 2.5).tolist() + np.arange(100, 180, 5).tolist(), []),  # exactly twice the step
        ([0, 10, 20, 30, 36, 38.5, 41, 43.5], []),  # a border between two steps
        ([0, 10], []),
        ([0], []),
        ([], []),
        ([np.nan] * 3, []),
    ],
)
def test_a_missing_slice_is_no_change_of_spacing(position_mm, above):
    position_mm = np.array(position_mm, float)
    assert position_mm[missing_slices(position_mm)].tolist() == list(above)


@settings(deadline=None)
@given(st.data())
def test_lost_slices_of_one_step_are_found_also_near_each_other(data):
    step_mm, count = data.draw(STEPS_MM), data.draw(st.integers(20, 60))
    position_mm = off(data.draw, step_mm * np.arange(count), step_mm)
    assert not missing_slices(position_mm).any()
    assert_missing(position_mm, lose(data.draw, range(1, count - 1), 6))


@settings(deadline=None)
@given(st.data())
def test_lost_slices_of_two_steps_are_found_and_the_new_step_is_none(data):
    lower, upper = data.draw(st.lists(STEPS_MM, min_size=2, max_size=2, unique=True))
    first, second = data.draw(st.integers(12, 30)), data.draw(st.integers(12, 30))
    border = data.draw(st.floats(0.2, 1)) * max(lower, upper)
    gaps = np.r_[[lower] * first, border, [upper] * second]
    position_mm = off(data.draw, np.append(0, np.cumsum(gaps)), min(*gaps))
    assert not missing_slices(position_mm).any()
    assert_missing(position_mm, lose(data.draw, range(1, first - 3), 2))
    assert_missing(position_mm, lose(data.draw, range(first + 5, len(gaps)), 2))


@settings(deadline=None)
@given(st.lists(st.integers(0, 60), min_size=1, unique=True).map(sorted), st.sampled_from([1.0, 5.0]))
def test_of_numbered_slices_every_skipped_number_is_missing(numbers, step_mm):
    scan = scan_of(step_mm * np.array(numbers), step_mm)
    expected = [False, *(np.diff(numbers) > 1).tolist()]
    assert scan.missing_below(np.arange(len(numbers))).tolist() == expected


@pytest.mark.parametrize(
    ("numbers", "above"),
    [([1, 2, 4, 6, 7], [4, 6]), ([1, 3, 5, 7, 9, 10, 11, 12], [3, 5, 7, 9]), ([1, 3, 5, 9], [9]), ([5, 9], [])],
)
def test_of_dicom_slices_with_nothing_but_numbers_the_smallest_step_counts(numbers, above, tmp_path):
    images = [ct_slice(number, 0.0) for number in numbers]
    for image in images:
        del image.ImagePositionPatient
    save_all(images, tmp_path)
    (scan,) = find(tmp_path).scans
    assert np.array(numbers)[scan.missing_below(np.arange(len(numbers)))].tolist() == above


@pytest.mark.parametrize("source", ["course", "ct_ich"])
@pytest.mark.parametrize("numbers", [(1, 3, 5), (1, 4, 7, 10), (2, 9), (1, 2, 4, 6, 8, 10), (3, 4, 5)])
def test_of_numbered_pictures_a_skipped_number_is_missing_also_where_all_steps_are_alike(source, numbers, tmp_path):
    folder = tmp_path / ("train/ID_a" if source == "course" else "Patients_CT/049/brain")
    folder.mkdir(parents=True)
    for number in numbers:
        picture = np.full((32, 32), 100, np.uint8)  # no head, so the order is that of the numbers
        cv2.imwrite(str(folder / (f"a_{number}.jpg" if source == "course" else f"{number}.jpg")), picture)
    rows = pd.DataFrame({"dirname": "ID_a", "ID": [f"a_{number}" for number in numbers]})
    rows.assign(**dict.fromkeys(LABELS, 0)).to_csv(tmp_path / "train.csv", index=False)
    rows = pd.DataFrame({"PatientNumber": 49, "SliceNumber": numbers, "No_Hemorrhage": 1})
    rows.assign(**dict.fromkeys(CT_ICH_TYPES.values(), 0)).to_csv(tmp_path / "hemorrhage_diagnosis.csv", index=False)
    (scan,) = find_in(source, tmp_path).scans
    assert scan.missing_below(np.arange(len(numbers))).tolist() == [False, *(np.diff(numbers) > 1).tolist()]


@settings(deadline=None)
@given(st.lists(st.integers(0, 30), min_size=1, unique=True).map(sorted))
def test_a_slice_that_cannot_be_read_is_missing_whatever_the_gaps_say(kept):
    expected = [False, *(np.diff(kept) > 1).tolist()]
    assert scan_of(5.0 * np.arange(31)).missing_below(np.array(kept)).tolist() == expected


@pytest.fixture
def course(tmp_path):
    """The slice table of a course scan of the numbers 0, 1, 3, 5, 6."""
    rows, folder = [], tmp_path / "root/train/ID_a"
    folder.mkdir(parents=True)
    for number in (0, 1, 3, 5, 6):
        picture = np.random.default_rng(number).integers(0, 255, (32, 32), dtype=np.uint8)
        cv2.imwrite(str(folder / f"a_{number}.jpg"), picture)
        rows.append(("ID_a", f"a_{number}", 0, int(number != 3), 0, 0, 0))
    pd.DataFrame(rows, columns=["dirname", "ID", *LABELS]).to_csv(tmp_path / "root/train.csv", index=False)
    report = ingest(find_in("course", tmp_path / "root"), tmp_path / "store", 32, (40.0, 80.0), PUBLIC_KEY)
    assert report.counts["warned"]["missing_slice"] == 1
    return read_slice_table(tmp_path / "store")


def test_a_slice_between_two_missing_ones_is_stacked_with_neither(course):
    assert course["missing_before"].tolist() == [False, False, True, True, False]
    table = stack_table(course, pd.Series({"p": "train"}))
    assert table["below"].tolist() == [0, 0, 2, 3, 3]
    assert table["above"].tolist() == [1, 1, 2, 4, 4]


def test_relabelling_does_not_reach_across_a_missing_slice(course):
    patient, split, targets = course["patient"].to_numpy(), np.full(5, "train"), course[LABELS].to_numpy()
    cleaned = clean_labels(adjacent_runs(course), patient, split, targets, "relabel_one").targets
    np.testing.assert_array_equal(cleaned, targets)
    joined = course.assign(missing_before=False)
    cleaned = clean_labels(adjacent_runs(joined), patient, split, targets, "relabel_one").targets
    assert cleaned[:, 1].tolist() == [1] * 5


def test_figure_7_shows_no_gap_across_a_missing_slice_and_nothing_beyond_one():
    table = pd.DataFrame({"study": "a", "index": range(8), "missing_before": False})
    targets = np.zeros((8, 5))
    targets[[0, 2, 3], 0] = targets[[4, 7], 1] = 1
    (near, far) = label_gaps(adjacent_runs(table), targets, np.ones((8, 5)))
    assert (near.rows, rows_around(near), far.rows) == ((1,), [None, 0, 1, 2, 3], (5, 6))
    table.loc[[3, 6], "missing_before"] = True
    (near,) = label_gaps(adjacent_runs(table), targets, np.ones((8, 5)))
    assert rows_around(near) == [None, 0, 1, 2, None]


@settings(max_examples=25)
@given(st.integers(0, 1000), st.data())
def test_bleeds_and_smoothing_of_a_scan_with_missing_slices_are_those_of_its_parts(seed, data):
    table = predictions(5, seed)
    starts = data.draw(st.lists(st.sampled_from(table.index[table["index"] > 0].tolist()), unique=True))
    table.loc[starts, "missing_before"] = True
    parts = table.assign(study=table["study"] + "-" + table["missing_before"].cumsum().astype(str))
    parts["index"] = parts.groupby("study", sort=False).cumcount()
    parts["missing_before"] = False
    positive = probabilities_of(table, "cnn") >= 0.5
    pd.testing.assert_frame_equal(bleed_table(table, positive), bleed_table(parts, positive))
    truths = (truth_of(each, pd.DataFrame(columns=["study"])) for each in (table, parts))
    smoothed, expected = (model_predictions(truth, "cnn", 0.5).smoothed for truth in truths)
    np.testing.assert_array_equal(smoothed, expected)
    dropped = table.drop(index=starts)
    assert len(adjacent_runs(dropped)) >= table["study"].nunique()


@pytest.mark.parametrize(("kept", "runs"), [([0, 1, 2, 3, 4], [(0, 2), (2, 3), (3, 5)]), ([0, 2, 3], [(0, 1), (1, 3)])])
def test_a_prediction_stacks_and_smooths_within_the_runs_between_missing_slices(kept, runs, monkeypatch):
    monkeypatch.setattr(result, "doubts", lambda *_: [])
    monkeypatch.setattr(result, "_summary", lambda *_: {})
    scan = scan_of([0, 5, 15, 25, 30] if len(kept) == 5 else [0, 5, 10, 15])  # slices never sent, or not readable
    asked, count = [], len(kept)
    models = SimpleNamespace(ask=lambda runs, _: asked.append(runs) or ({"cnn": np.zeros((count, 5))}, None))
    models.inputs, models.calibration = {"image_size": 8}, None
    read = (np.array(kept), [], []), np.zeros((count, 8, 8), np.uint8), np.zeros((count, 8, 8), np.int16)
    found = result.predict_scan(SimpleNamespace(scan=scan, notes=[], number="1"), models, read)
    assert [(run.start, run.stop) for run in asked[0]] == [(run.start, run.stop) for run in found.runs] == runs
    assert found.table.index[found.table["missing_before"] == 1].tolist() == [start for start, _ in runs[1:]]
