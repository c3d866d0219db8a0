"""Whether numbered pictures rise to the head or to the feet, told by the head phantom, whole and in parts."""

import cv2
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inventories import find_in
from miniatures import SLICES, heads, write_course, write_ct_ich_pictures

from hohoho.errors import Unusable
from hohoho.ingest.ingest import ingest
from hohoho.labels import LABELS
from hohoho.phantom.population import patient_of, studies_of
from hohoho.pseudonyms import PUBLIC_KEY, pseudonym
from hohoho.slices.store import SlicePixels, read_slice_table
from hohoho.sources.direction import PICTURES, direction_of, measure, spread, vertex

HEADS = [(1, number) for number in range(4)]
MANY = settings(deadline=None)
ALL = st.integers(0, len(HEADS) - 1)
NECK = (0.16, 0.12)  # as part of a picture of 220 mm: 120 mm across, around one vertebra


@pytest.fixture(scope="module")
def measured():
    """Of each head: (slices, 2) area and part of bone, foot to head, as a picture in the brain window shows them."""
    studies = [studies_of(*patient_of(*who), 64)[0] for who in HEADS]
    return [np.array([measure(np.clip(hu, 0, 80)) for hu in study.hu]) for study in studies]


@pytest.mark.parametrize("limits_hu", [(0, 80), (-20, 100), (-150, 230), (-1024, 3071)])
def test_a_whole_head_is_told_in_every_window_and_both_directions(limits_hu):
    study = studies_of(*patient_of(*HEADS[0]), 64)[0]
    images = np.clip(study.hu, *limits_hu)
    assert direction_of((lambda hu: (hu, ()), images)) == 1
    assert direction_of((lambda hu: (hu, ()), images[::-1])) == -1


def told(slices):
    """The direction by those slices that are looked at."""
    return vertex(slices[spread(len(slices))])


@given(count=st.integers(1, 2000))
def test_pictures_are_spread_evenly_and_alike_from_both_ends(count):
    places = spread(count)
    assert len(places) == min(count, PICTURES) and places[0] == 0 and places[-1] == count - 1
    assert np.array_equal(count - 1 - places[::-1], places)
    assert len(places) == 1 or np.ptp(np.diff(places)) <= 2


@MANY
@given(head=ALL, below=st.floats(0, 0.75), over=st.integers(0, 3))
def test_a_head_cut_off_below_is_told_and_air_above_it_changes_nothing(measured, head, below, over):
    slices = measured[head]
    part = np.concatenate([slices[int(below * len(slices)) :], np.zeros((over, 2))])
    assert told(part) == 1 and told(part[::-1]) == -1


@MANY
@given(head=ALL, below=st.floats(0, 0.4), above=st.floats(0, 0.5))
def test_a_head_without_its_vertex_is_told_rightly_or_not_at_all(measured, head, below, above):
    slices = measured[head]
    part = slices[int(below * len(slices)) : len(slices) - int(above * len(slices))]
    assert told(part) in (0, 1) and told(part[::-1]) == -told(part)
    if above > 0.4:
        assert told(part) == 0


@MANY
@given(head=ALL, neck=st.integers(1, 15), above=st.floats(0, 0.5))
def test_a_neck_is_no_vertex(measured, head, neck, above):
    slices = measured[head]
    part = np.concatenate([np.tile(NECK, (neck, 1)), slices[: len(slices) - int(above * len(slices))]])
    assert told(part) in (0, 1) and told(part[::-1]) == -told(part)
    assert told(part) == 1 or above


@MANY
@given(head=ALL, odd=st.tuples(st.floats(0, 1), st.floats(0, 1)), place=st.sampled_from([0, -1]))
def test_one_odd_picture_at_an_end_decides_nothing(measured, head, odd, place):
    slices = measured[head].copy()
    slices[place] = odd
    assert told(slices) >= 0


@pytest.mark.parametrize(
    "slices",
    [np.zeros((0, 2)), np.zeros((9, 2)), [(0.3, 0.9)], [(0.4, 0.2)] * 9, [(0.1, 0.5), (0.4, 0.2), (0.1, 0.5)]],
    ids=["none", "black", "one", "all alike", "two ends like a vertex"],
)
def test_what_does_not_tell_is_undecided(slices):
    assert vertex(np.array(slices)) == 0


def test_pictures_that_cannot_be_read_decide_nothing():
    def fails(image):
        raise Unusable("undecodable_picture", "no picture")

    assert direction_of((fails, range(30))) == 0


def test_the_largest_thing_is_measured_with_its_holes_and_not_the_headrest():
    y, x = np.mgrid[:128, :128]
    radius = np.hypot(x - 64, y - 50)
    hu = np.where((radius <= 42) & (radius > 36), 900.0, -1000.0)
    cv2.ellipse(hu, (64, 50), (60, 70), 0, 20, 160, 60, 2)
    area, bone = measure(hu)
    assert area == pytest.approx(np.pi * 42**2 / 128**2, rel=0.01)
    assert bone == pytest.approx(1 - (36 / 42) ** 2, rel=0.02)


def renumber(folders, number_of):
    """Pictures <any>_<n>.jpg or <n>.jpg get the number `number_of(n)`. Returns old name → new name."""
    names = {}
    for folder in folders:
        for path in folder.glob("*[0-9].jpg"):
            before, _, number = path.stem.rpartition("_")
            names[path.stem] = f"{before}_{number_of(int(number))}".lstrip("_")
            path.rename(path.with_suffix(".moved"))
        for path in folder.glob("*.moved"):
            path.rename(path.with_name(f"{names[path.stem]}.jpg"))
    return names


def stored(source, root, store):
    """(slice table without what the pictures are called, pixels, counts) of an ingest."""
    report = ingest(find_in(source, root), store, 32, (40.0, 80.0), PUBLIC_KEY)
    table = read_slice_table(store)
    order = ["study", "index", "level", *LABELS, "pixel_hash"]
    return table[order], SlicePixels(store).take(range(len(table))), report


def test_a_course_numbered_from_the_head_ends_as_one_numbered_from_the_feet(tmp_path):
    root = tmp_path / "course"
    write_course(root, patients=5)
    expected, pixels, before = stored("course", root, tmp_path / "before")
    assert not before.counts["repaired"] and "direction_unknown" not in before.counts["warned"]

    names = renumber([*root.glob("train/*"), *root.glob("test/*")], lambda number: SLICES - 1 - number)
    table = pd.read_csv(root / "train.csv")
    table.assign(ID=table["ID"].map(names)).to_csv(root / "train.csv", index=False)
    found, turned, after = stored("course", root, tmp_path / "after")
    pd.testing.assert_frame_equal(found, expected)
    assert np.array_equal(turned, pixels)
    assert after.counts["repaired"] == {"numbered_from_the_head": 5}
    assert set(after.lines.loc[after.lines["action"] == "repaired", "study"]) == set(found["study"])


def test_numbers_with_gaps_keep_their_steps_when_they_are_turned_over(tmp_path):
    write_course(tmp_path, patients=3)
    names = renumber(tmp_path.glob("train/*"), lambda number: 20 - number - 3 * (number > 2))
    table = pd.read_csv(tmp_path / "train.csv")
    table.assign(ID=table["ID"].map(names)).to_csv(tmp_path / "train.csv", index=False)
    scan = find_in("course", tmp_path).scans[0]
    assert scan.names == tuple(f"0000_{number}" for number in (20, 19, 18, 14, 13, 12))
    assert np.diff(scan.position_mm).tolist() == [1, 1, 4, 1, 1]
    assert np.array_equal(scan.labels, heads(1)[0][2])


def test_a_scan_that_does_not_tell_keeps_the_order_of_its_numbers_and_is_counted(tmp_path):
    root = tmp_path / "course"
    write_course(root, patients=4)
    for path in (root / "train/ID_0000").glob("*_[45].jpg"):
        path.write_bytes((root / "train/ID_0000/0000_0.jpg").read_bytes())
    _, _, report = stored("course", root, tmp_path / "store")
    assert report.counts["warned"]["direction_unknown"] == 1
    line = report.lines[report.lines["reason"] == "direction_unknown"].iloc[0]
    assert (line["study"], line["verdict"]) == (pseudonym(PUBLIC_KEY, "study", "ID_0000"), "warned")
    assert find_in("course", root).scans[0].names == tuple(f"0000_{number}" for number in range(SLICES))


def test_pictures_of_ct_ich_are_turned_over_as_well(tmp_path):
    write_ct_ich_pictures(tmp_path, patients=2)
    expected = find_in("ct_ich", tmp_path).scans
    renumber(tmp_path.glob("Patients_CT/*/brain"), lambda number: SLICES + 1 - number)
    labels = pd.read_csv(tmp_path / "hemorrhage_diagnosis.csv")
    labels.assign(SliceNumber=SLICES + 1 - labels["SliceNumber"]).to_csv(
        tmp_path / "hemorrhage_diagnosis.csv", index=False
    )
    inventory = find_in("ct_ich", tmp_path)
    assert [note.reason for note in inventory.notes] == ["numbered_from_the_head"] * 2
    for before, after in zip(expected, inventory.scans, strict=True):
        assert np.array_equal(before.labels, after.labels)
        assert np.array_equal(np.diff(before.position_mm), np.diff(after.position_mm))
        assert [path.rpartition("/")[2] for path in after.images] == [f"{n}.jpg" for n in range(SLICES, 0, -1)]
