"""Headers of DICOM slices → scans, one a study: what every layout of DICOM files shares."""

import math
from collections import Counter
from collections.abc import Callable
from itertools import groupby
from typing import NamedTuple

import numpy as np

from hohoho.dicom.header import SliceHeader
from hohoho.dicom.reader import read_hu, read_slice
from hohoho.errors import Unusable
from hohoho.scans.choice import choice_key
from hohoho.scans.geometry import (
    is_axial,
    is_tilted,
    misnumbering,
    positions_mm,
    same_places,
    split_orientations,
    thickness_mm,
    tilt_deg,
)
from hohoho.scans.scan import REFUSED, REPAIRED, SKIPPED, WARNED, Note, Scan


class Series(NamedTuple):
    """Images of one series, one orientation and one image a position, foot to head."""

    headers: list[SliceHeader]
    position_mm: np.ndarray
    repairs: list[str]
    warnings: list[str]


def build_scans(
    headers: list[SliceHeader], labels_of: Callable, preferred_kernel: str | None = None
) -> tuple[list[Scan], list[Note]]:
    """(scans, notes): one scan a study, from headers in any order.

    labels_of(headers) -> (Z, 5) float32, NaN where unlabelled. A study of two patients is refused by a note.
    """
    scans, notes = [], []
    headers = sorted(headers, key=lambda header: (header.study_uid, header.series_uid, header.sop_uid, header.frame))
    for study, group in groupby(headers, key=lambda header: header.study_uid):
        group = list(group)
        if len({header.patient_id for header in group}) > 1:
            notes += [Note(REFUSED, "two_patients_in_study", study, header.path) for header in group]
            continue
        candidates = series_of(group, notes)
        candidates.sort(key=lambda series: choice_key(series.headers, preferred_kernel))
        for series in candidates[1:]:
            notes.extend(_skips(series.headers, "other_series"))
        if candidates:
            notes += [Note(REPAIRED, repair, study) for repair in candidates[0].repairs]
            notes += [Note(WARNED, warning, study) for warning in candidates[0].warnings]
            scans.append(scan_of(study, candidates[0], labels_of))
    return scans, notes


def series_of(study_headers: list[SliceHeader], notes: list[Note]) -> list[Series]:
    """All usable series of one study, each of one orientation and in order; what is left out goes to `notes`."""
    found = []
    for _, group in groupby(study_headers, key=lambda header: header.series_uid):
        headers, others = split_orientations(list(group))
        notes.extend(Note(SKIPPED, reason, header.study_uid, header.path) for header, reason in others)
        for part in _split_by_acquisition(headers):
            position_mm, warnings = positions_mm(part)
            reason = "no_position" if position_mm is None else None if is_axial(part) else "not_axial"
            series = None if reason else _in_order(part, position_mm, warnings, notes)
            if series and len(series.headers) > 1:
                found.append(series)
            else:
                notes.extend(_skips(series.headers if series else part, reason or "single_image"))
    return found


def _split_by_acquisition(headers):
    """The series' parts by kernel and acquisition, else by kernel, where these lie over each other.

    A slice that was sent twice, or where two acquisitions meet, makes no second series.
    """
    position_mm, _ = positions_mm(headers)
    shared = 0 if position_mm is None else len(same_places(np.sort(position_mm)))
    if not shared:
        return [headers]
    for tells in (lambda header: (header.kernel or "", header.acquisition), lambda header: header.kernel or ""):
        parts = {}
        for header in headers:
            parts.setdefault(tells(header), []).append(header)
        if 1 < min(map(len, parts.values())) <= 2 * shared:
            return [parts[key] for key in sorted(parts)]
    return [headers]


def _skips(series, reason):
    return [Note(SKIPPED, reason, header.study_uid, header.path) for header in series]


def _in_order(headers, position_mm, warnings, notes):
    """Series of one image a position, foot to head."""
    order = sorted(range(len(headers)), key=lambda i: (position_mm[i], headers[i].instance or 0, headers[i].sop_uid))
    by_position = all(header.position is not None for header in headers)
    headers, position_mm = [headers[i] for i in order], position_mm[order]
    dropped = set()
    for places in same_places(position_mm):
        first, *others = sorted(places, key=lambda i: (headers[i].instance or 0, headers[i].sop_uid))
        notes.extend(_double(headers[first], headers[other]) for other in others)
        dropped |= set(others)
    kept = [i for i in range(len(headers)) if i not in dropped]
    headers = [headers[i] for i in kept]
    repairs = ["gantry_tilt" if is_tilted(headers) else None, misnumbering(headers) if by_position else None]
    thick = {header.thickness_mm for header in headers if not math.isnan(header.thickness_mm)}
    warnings = warnings + ["varying_thickness"] * (len(thick) > 1)
    return Series(headers, position_mm[kept], [*filter(None, repairs)], warnings)


def _double(kept, other):
    """The note on a second image at one position: a copy is no loss, a different picture is."""
    try:
        same = np.array_equal(read_hu(kept), read_hu(other))
    except Unusable:
        same = False
    action, reason = (REPAIRED, "same_slice_twice") if same else (SKIPPED, "second_image_at_position")
    return Note(action, reason, other.study_uid, other.path)


def scan_of(study: str, series: Series, labels_of: Callable) -> Scan:
    """The Scan of one series."""
    headers = series.headers
    first = headers[0]
    return Scan(
        patient=first.patient_id,
        study=study,
        images=tuple(headers),
        read_slice=read_slice,
        position_mm=series.position_mm,
        spacing_mm=np.array([header.spacing_mm for header in headers]),
        labels=labels_of(headers),
        tilt_deg=tilt_deg(first.orientation) if first.orientation else float("nan"),
        thickness_mm=thickness_mm(headers),
        kernel=Counter(header.kernel for header in headers).most_common(1)[0][0],
        manufacturer=first.manufacturer,
        age_band=first.age_band,
        sex=first.sex,
    )
