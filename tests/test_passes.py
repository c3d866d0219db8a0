"""Order and assembly as a law: a scan that was damaged comes back whole, or what is missing is said."""

import numpy as np
import pytest
from headers import content, scan_headers
from hypothesis import given, settings
from hypothesis import strategies as st

from hohoho.scans import series as series_room
from hohoho.scans.assembly import build_studies
from hohoho.scans.geometry import missing_slices
from hohoho.scans.scan import REPAIRED, SKIPPED, WARNED, Note
from hohoho.scans.verdict import VERDICTS, verdict

MANY = settings(max_examples=150)


@pytest.fixture(autouse=True)
def no_pixels(monkeypatch):
    """Two images at one place are different pictures: no file lies behind these headers."""
    monkeypatch.setattr(series_room, "read_hu", lambda header: np.full((1, 1), hash(header.sop_uid)))


def only_study(headers):
    (study,) = build_studies(headers)
    return study


def taken_uids(headers):
    return [header.sop_uid for header in only_study(headers).taken.headers]


def uids(headers):
    return [header.sop_uid for header in headers]


def shuffled(draw, headers):
    return draw(st.permutations(headers))


SLICES, STEP_MM = st.integers(20, 40), st.sampled_from([1.0, 2.5, 5.0, 7.5])
FEW = st.integers(1, 3)


@st.composite
def scans(draw, least=8, **fields):
    """A scan with its Slice Locations, of either direction; Instance Numbers rise or fall."""
    slices, step_mm = draw(st.integers(least, 40)), draw(STEP_MM)
    foot_mm, sign, offset = draw(st.floats(-500, 500)), draw(st.sampled_from([1, -1])), draw(st.integers(-100, 100))
    headers = scan_headers(slices, step_mm, round(foot_mm, 2), **fields)
    falls = draw(st.booleans())
    return [
        header._replace(
            slice_location=round(sign * header.position[2] + offset, 4),
            instance=slices - i if falls else i + 1,
        )
        for i, header in enumerate(headers)
    ]


@MANY
@given(st.data())
def test_acquisitions_that_follow_each_other_are_one_scan(data):
    scan = data.draw(scans())
    length, names = data.draw(st.integers(1, 9)), data.draw(st.sampled_from(["numbers", "gaps", "chance"]))
    number = {"numbers": lambda i: f"{i // length}", "gaps": lambda i: "" if i % length else "2"}
    number["chance"] = lambda i: f"{hash((length, i)) % 3}"
    scan = [header._replace(acquisition=number[names](i)) for i, header in enumerate(scan)]
    twice = data.draw(st.integers(0, len(scan) - 1))
    copy = scan[twice]._replace(sop_uid="9.9", path="9.9", acquisition=data.draw(st.sampled_from(["", "1", "99"])))
    headers = shuffled(data.draw, [*scan, copy])
    study = only_study(headers)
    assert len(study.taken.headers) == len(scan)
    assert [header.position for header in study.taken.headers] == [header.position for header in scan]
    assert [note.reason for note in study.notes if note.action == SKIPPED] == ["second_image_at_position"]


TELLS = {
    "acquisition": lambda phase: {"acquisition": f"{phase + 1}"},
    "time": lambda phase: {"acquired": f"20200101{10 + phase}0000"},
    "temporal position": lambda phase: {"temporal": float(phase)},
    "numbers alone": lambda phase: {"instance": lambda i: 100 * phase + i + 1},
    "nothing": lambda phase: {},
}


@MANY
@given(
    tells=st.sampled_from(list(TELLS)),
    slices=st.lists(st.integers(28, 33), min_size=2, max_size=5),
    step_mm=STEP_MM,
    shift=st.floats(-0.2, 0.2),
    random=st.randoms(use_true_random=False),
)
def test_phases_in_one_series_are_told_apart_and_the_earliest_is_taken(tells, slices, step_mm, shift, random):
    phases = [
        scan_headers(
            n, step_mm, shift * step_mm * (phase > 0) / len(slices) * phase, 1000 * phase, **TELLS[tells](phase)
        )
        for phase, n in enumerate(slices)
    ]
    n = min(slices)  # by geometry alone only what all phases cover can be told apart
    phases = phases if tells != "nothing" else [phase[:n] for phase in phases]
    headers = [header for phase in phases for header in phase]
    random.shuffle(headers)
    study = only_study(headers)
    assert len(study.series) == len(phases)
    if tells != "nothing" or shift >= 0:
        assert uids(study.taken.headers) == uids(phases[0])


@MANY
@given(
    field=st.sampled_from([("kernel", "BONE"), ("content", content(contrast=True)), ("content", content(kind=1))]),
    shift=st.floats(0, 1),
    step_mm=STEP_MM,
    slices=SLICES,
    more=st.integers(0, 3),
)
def test_kernels_contrast_and_derived_images_are_never_woven_together(field, shift, step_mm, slices, more):
    plain = scan_headers(slices, step_mm)
    other = scan_headers(slices + more, step_mm, shift * step_mm, 1000, **dict([field]))
    assert taken_uids([*other, *plain]) == uids(plain)


@MANY
@given(st.data())
def test_slices_without_a_position_are_put_back_by_what_the_others_say(data):
    scan = data.draw(scans())
    lost = data.draw(st.sets(st.integers(0, len(scan) - 1), min_size=1, max_size=len(scan) - 3))
    keep_location, keep_number = data.draw(st.sampled_from([(True, True), (True, False), (False, True)]))
    says_nothing = data.draw(st.sampled_from([None, (0.0, 0.0, 0.0)])) if len(lost) > 4 else None
    headers = [
        header._replace(
            position=says_nothing if i in lost else header.position,
            slice_location=header.slice_location if keep_location else None,
            instance=header.instance if keep_number else None,
        )
        for i, header in enumerate(scan)
    ]
    study = only_study(shuffled(data.draw, headers))
    assert uids(study.taken.headers) == uids(scan)
    assert np.allclose(study.taken.position_mm, [header.position[2] for header in scan], atol=0.01)
    assert sum(note.reason == "placed_between_neighbours" for note in study.notes) >= len(lost)


@MANY
@given(st.data())
def test_a_slice_that_nothing_places_is_skipped_with_a_reason(data):
    scan = data.draw(scans())
    lost = data.draw(st.sets(st.integers(0, len(scan) - 1), min_size=1, max_size=3))
    headers = [
        header._replace(position=None if i in lost else header.position, slice_location=None, instance=None)
        for i, header in enumerate(scan)
    ]
    study = only_study(shuffled(data.draw, headers))
    assert uids(study.taken.headers) == [header.sop_uid for i, header in enumerate(scan) if i not in lost]
    assert [note.reason for note in study.notes if note.action == SKIPPED] == ["no_position"] * len(lost)
    assert verdict(study.notes, True).word == WARNED


@MANY
@given(st.data())
def test_positions_that_are_equal_everywhere_count_as_absent(data):
    scan = data.draw(scans())
    place = data.draw(st.sampled_from([None, (0.0, 0.0, 0.0), (-125.0, -130.0, 17.5)]))
    by_location = data.draw(st.booleans())
    headers = [
        header._replace(position=place, slice_location=5.0 * i if by_location else None, instance=i + 1)
        for i, header in enumerate(scan)
    ]
    study = only_study(shuffled(data.draw, headers))
    assert uids(study.taken.headers) == uids(scan)
    expected = "ordered_by_slice_location" if by_location else "ordered_by_instance_number"
    assert expected in [note.reason for note in study.notes if note.action == WARNED]


@MANY
@given(st.data())
def test_a_lost_slice_leaves_a_gap_that_is_known(data):
    scan = data.draw(scans(least=8))
    lost = data.draw(st.integers(1, len(scan) - 2))
    study = only_study(shuffled(data.draw, scan[:lost] + scan[lost + 1 :]))
    assert uids(study.taken.headers) == uids(scan[:lost] + scan[lost + 1 :])
    assert np.flatnonzero(missing_slices(study.taken.position_mm)).tolist() == [lost]


@MANY
@given(st.data())
def test_shuffled_instance_numbers_neither_split_nor_reorder_a_scan(data):
    scan = data.draw(scans())
    numbers = data.draw(st.permutations(range(1, len(scan) + 1)))
    scan = [header._replace(instance=number) for header, number in zip(scan, numbers, strict=True)]
    assert taken_uids(shuffled(data.draw, scan)) == uids(scan)


@MANY
@given(st.data())
def test_an_empty_patient_id_joins_the_patient_of_the_study(data):
    scan = data.draw(scans(patient_id="1.2"))  # the study UID stands in for an empty Patient ID
    named = data.draw(st.sets(st.integers(0, len(scan) - 1), min_size=1))
    scan = [header._replace(patient_id="P" if i in named else "1.2") for i, header in enumerate(scan)]
    study = only_study(shuffled(data.draw, scan))
    assert study.patient == "P" and uids(study.taken.headers) == uids(scan)


def test_two_patients_refuse_their_study_alone():
    good = scan_headers(9, study_uid="1.3", series_uid="1.3.1")
    bad = scan_headers(9, patient_id=lambda i: f"P{i // 5}")
    studies = build_studies([*bad, *good])
    assert [study.taken is None for study in studies] == [True, False]
    assert {note.reason for note in studies[0].notes} == {"two_patients_in_study"}


def test_of_two_images_at_one_place_the_one_whose_number_fits_is_kept():
    scan = scan_headers(20)
    moved = scan[3]._replace(position=scan[12].position)
    assert taken_uids([*scan[:3], moved, *scan[4:]]) == uids(scan[:3] + scan[4:])


@pytest.mark.parametrize("thickness_known", [True, False])
@pytest.mark.parametrize("together", [1, 2, 3, 40])
@pytest.mark.parametrize(
    ("low_mm", "high_mm", "between_mm"), [(4, 7, 1.08), (2.5, 10, 10), (1, 5, 5), (7, 4, 4), (5, 8, 2)]
)
def test_a_scan_that_changes_its_step_is_one_scan(low_mm, high_mm, between_mm, together, thickness_known):
    thickness = {} if thickness_known else {"thickness_mm": float("nan")}
    low = scan_headers(14, low_mm, acquisition=lambda i: f"{i}", **thickness)
    high = scan_headers(
        14, high_mm, 13 * low_mm + between_mm, 15, acquisition=lambda i: f"{15 + i // together}", **thickness
    )
    assert taken_uids([*high, *low]) == uids(low + high)


def test_a_repair_is_said_once_for_each_image_that_was_placed():
    scan = [header._replace(position=None) if i in (4, 7) else header for i, header in enumerate(scan_headers(20))]
    repaired = [note.item for note in only_study(scan).notes if note.action == REPAIRED]
    assert repaired == ["1.2.1.5", "1.2.1.8"]


@pytest.mark.parametrize("word", VERDICTS)
def test_a_verdict_in_words_begins_with_its_word(word):
    reasons = {
        "skipped": ["other_series"],
        "repaired": ["padding"],
        "warned": ["missing_slice"],
        "refused": ["two"],
    }
    least = VERDICTS.index(word)
    notes = [Note(action, why, "1.2") for action in VERDICTS[1 : least + 1] for why in reasons[action]]
    notes += [Note(SKIPPED, "other_series", "1.2")]
    said = verdict(notes, is_taken=word not in ("skipped", "refused"))
    assert said.word == word and str(said).startswith(word)
