"""Phases in one series, numbered alike or not at all: never woven together, and a guess is said."""

import hashlib

import pytest
from headers import content, scan_headers
from test_passes import no_pixels, only_study, uids  # noqa: F401 - the fixture is used by its being here

from hohoho.scans.scan import WARNED

TELLS = {
    "acquisition": lambda phase: {"acquisition": f"{phase + 1}"},
    "acquisition time": lambda phase: {"acquired": f"20200101{10 + phase}0000"},
    "time of each slice": lambda phase: {"acquired": lambda i: f"20200101{10 + phase}00{i:02d}"},
    "content time": lambda phase: {"written": f"20200101{10 + phase}0000"},
    "content time of each slice": lambda phase: {"written": lambda i: f"20200101{10 + phase}00{i:02d}"},
    "temporal position": lambda phase: {"temporal": float(phase)},
}


def with_chance_uids(phases):
    return [
        [
            header._replace(sop_uid=f"2.{int(hashlib.md5(f'{phase} {i}'.encode()).hexdigest()[:8], 16)}")
            for i, header in enumerate(headers)
        ]
        for phase, headers in enumerate(phases)
    ]


@pytest.mark.parametrize("numbered", [True, False])
@pytest.mark.parametrize("offset_mm", [0, 0.1, 0.4, 1, 2, 2.5])
@pytest.mark.parametrize("lengths", [(28, 28), (28, 30), (30, 28)])
@pytest.mark.parametrize("tells", TELLS)
def test_phases_that_repeat_their_numbers_or_have_none_are_told_apart(tells, lengths, offset_mm, numbered):
    number = {} if numbered else {"instance": None}
    phases = with_chance_uids(
        scan_headers(n, 5.0, offset_mm * phase, **TELLS[tells](phase), **number) for phase, n in enumerate(lengths)
    )
    study = only_study([header for headers in phases[::-1] for header in headers])
    assert uids(study.taken.headers) == uids(phases[0])


@pytest.mark.parametrize("offset_mm", [0.4, 1, 2, 2.5])
@pytest.mark.parametrize("more", [0, 2])
def test_numbers_that_are_given_twice_tell_two_scans_apart_with_a_warning(offset_mm, more):
    phases = with_chance_uids([scan_headers(28), scan_headers(28 + more, 5.0, offset_mm)])
    study = only_study([header for headers in phases for header in headers])
    assert uids(study.taken.headers) in [uids(headers) for headers in phases]
    assert "scans_hardly_told_apart" in [note.reason for note in study.notes if note.action == WARNED]


@pytest.mark.parametrize("number_of_phases", [4, 5, 6, 7])
def test_positions_of_many_phases_that_hardly_differ_are_believed(number_of_phases):
    phases = [
        scan_headers(28 + (phase == number_of_phases - 1), 5.0, 0.0015 * phase, 100 * phase + 1, acquisition=f"{phase}")
        for phase in range(number_of_phases)
    ]
    study = only_study([header for headers in phases for header in headers])
    assert uids(study.taken.headers) == uids(phases[0])
    assert "placed_between_neighbours" not in [note.reason for note in study.notes]


@pytest.mark.parametrize("slices", [3, 6, 20])
@pytest.mark.parametrize("offset_mm", [0, 0.4, 1, 2])
def test_a_scan_that_was_broken_off_is_not_woven_into_its_repeat(slices, offset_mm):
    broken = scan_headers(slices, acquisition="1")
    whole = scan_headers(28, 5.0, offset_mm, 101, acquisition="2")
    assert uids(only_study(broken + whole).taken.headers) == uids(whole)


@pytest.mark.parametrize("offset_mm", [0, 0.3, 0.5])
def test_thick_and_thin_slices_of_one_series_are_two_scans(offset_mm):
    thick, thin = scan_headers(28), scan_headers(140, 1.0, offset_mm, 101, content=content())
    assert uids(only_study(thick + thin).taken.headers) == uids(thick)


@pytest.mark.parametrize("tag", ["acquisition", "temporal"])
@pytest.mark.parametrize("overlap", [1, 1.5, 2, 3])
def test_overlapping_slices_with_a_value_each_are_one_scan(tag, overlap):
    each = {"acquisition": lambda i: f"{i + 1}", "temporal": lambda i: 10.0 * i}[tag]
    scan = scan_headers(56, 2.5, thickness_mm=2.5 * overlap, **{tag: each})
    assert uids(only_study(scan[::-1]).taken.headers) == uids(scan)
