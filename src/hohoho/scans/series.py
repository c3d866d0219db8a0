"""The images of one series UID → the scans among them, each of one orientation and one pass, foot to head."""

import math
from typing import NamedTuple

import numpy as np

from hohoho.dicom.content import ELSEWHERE, PROJECTION
from hohoho.dicom.header import SliceHeader
from hohoho.dicom.reader import read_hu
from hohoho.errors import Unusable
from hohoho.scans.geometry import SAME_PLANE_MM, TILTED_DEG, is_axial, misnumbering, split_orientations, tilt_deg
from hohoho.scans.passes import are_told_apart, split_passes
from hohoho.scans.positions import line_through, place
from hohoho.scans.scan import REPAIRED, SKIPPED, WARNED, Note

COPY = "same_slice_twice"
NEARLY_ALL = 0.8


class Series(NamedTuple):
    """Images that may stand for a study, foot to head."""

    headers: list[SliceHeader]
    position_mm: np.ndarray  # NaN where an unusable series has no order
    notes: list[Note]  # what was repaired, skipped or is warned of
    unusable: str | None = None  # why it is no scan
    is_measured: bool = True  # whether Image Position (Patient) gives its order
    phase: int = 0  # its place in time among the scans that share a series UID
    is_numbered: bool = False  # whether Instance Number alone gives its order

    @property
    def series_uid(self) -> str:
        """The UID that its images share."""
        return self.headers[0].series_uid

    @property
    def extent_mm(self) -> float:
        """From the lowest to the highest slice."""
        return float(self.position_mm[-1] - self.position_mm[0])

    @property
    def step_mm(self) -> float | None:
        """From slice to slice where images are only numbered, and so evenly; None where positions tell."""
        return float(np.diff(self.position_mm).min()) if self.is_numbered else None

    @property
    def acquired(self) -> str:
        """When its first image was acquired, as text that sorts; "" where that is not known of each."""
        return min(header.acquired for header in self.headers)


def series_of(headers: list[SliceHeader]) -> list[Series]:
    """All scans among images that share a series UID, the earliest first; what is no scan is one unusable series."""
    headers, others = split_orientations(headers)
    strays = [Note(SKIPPED, reason, header.study_uid, header.path) for header, reason in others]
    if not is_axial(headers):
        return [unusable(headers, "not_axial", strays)]
    placement = place(headers)
    placed = np.flatnonzero(np.isfinite(placement.position_mm))
    if not len(placed):
        return [unusable(headers, "no_position", strays)]
    strays += skips([headers[i] for i in np.flatnonzero(np.isnan(placement.position_mm))], "no_position")
    study = headers[0].study_uid
    warned = [Note(WARNED, warning, study) for warning in placement.warnings]
    found, parts = [], split_passes([headers[i] for i in placed], placement.position_mm[placed])
    if len(parts) > 1 and not are_told_apart(headers):
        warned.append(Note(WARNED, "scans_hardly_told_apart", study))
    for phase, part in enumerate(parts):
        rows = placed[part]
        members = [headers[i] for i in rows]
        repaired = [headers[i].path for i in rows if placement.repaired[i]]
        notes = warned + [Note(REPAIRED, "placed_between_neighbours", study, path) for path in repaired]
        placed_here = placement._replace(position_mm=placement.position_mm[rows])
        found.append(_in_order(members, placed_here, notes)._replace(phase=phase))
    return [found[0]._replace(notes=strays + found[0].notes), *found[1:]]


def unusable(headers: list[SliceHeader], reason: str, notes: list[Note] = ()) -> Series:
    """A series that is no scan, by file name."""
    headers = sorted(headers, key=lambda header: header.path)
    return Series(headers, np.full(len(headers), np.nan), [*notes, *skips(headers, reason)], reason)


def skips(headers: list[SliceHeader], reason: str) -> list[Note]:
    """A note for each image that is left out."""
    return [Note(SKIPPED, reason, header.study_uid, header.path) for header in headers]


def _in_order(headers, placement, notes):
    """One image a position, foot to head, with the notes on what that took."""
    position_mm = placement.position_mm
    order = sorted(range(len(headers)), key=lambda i: (position_mm[i], headers[i].instance or 0, headers[i].sop_uid))
    headers, position_mm = [headers[i] for i in order], position_mm[order]
    doubles, double_notes = _doubles(headers, position_mm)
    kept = [i for i in range(len(headers)) if i not in doubles]
    headers, position_mm = [headers[i] for i in kept], position_mm[kept]
    if len(headers) < 2:
        return unusable(headers, "single_image", [*notes, *double_notes])
    study = headers[0].study_uid
    thick = {header.thickness_mm for header in headers if not math.isnan(header.thickness_mm)}
    content = headers[0].content
    repairs = ["gantry_tilt"] * (tilt_deg(headers[0].orientation) >= TILTED_DEG)
    if placement.is_measured and (numbering := misnumbering(headers)):
        repairs.append(numbering)
    warnings = {
        "varying_thickness": len(thick) > 1,
        "mixed_content": len({header.content[:2] for header in headers}) > 1,
        "contrast": content.contrast,
        "projection": content.kind == PROJECTION,
        "other_body_part": content.part == ELSEWHERE,
    }
    notes = notes + double_notes + [Note(REPAIRED, repair, study) for repair in repairs]
    notes += [Note(WARNED, warning, study) for warning, is_so in warnings.items() if is_so]
    return Series(headers, position_mm, notes, None, placement.is_measured, is_numbered=placement.is_numbered)


def _doubles(headers, position_mm):
    """(indices of images at the position of another one, notes on them). Kept is the one whose number fits there."""
    touching = np.diff(position_mm) <= SAME_PLANE_MM
    if not touching.any():
        return set(), []
    numbers = np.array([np.nan if header.instance is None else header.instance for header in headers])
    line_mm = line_through(numbers, position_mm, NEARLY_ALL)
    off_mm = np.nan_to_num(np.abs(line_mm - position_mm).round(3))
    dropped, notes = set(), []
    for place_rows in np.split(np.arange(len(headers)), np.flatnonzero(~touching) + 1):
        first, *others = sorted(
            place_rows.tolist(), key=lambda i: (off_mm[i], headers[i].instance or 0, headers[i].sop_uid)
        )
        notes += [_double(headers[first], headers[other]) for other in others]
        dropped |= set(others)
    return dropped, notes


def _double(kept, other):
    """The note on a second image at one position: a copy is no loss, a different picture is."""
    try:
        same = np.array_equal(read_hu(kept), read_hu(other))
    except Unusable:
        same = False
    action, reason = (REPAIRED, COPY) if same else (SKIPPED, "second_image_at_position")
    return Note(action, reason, other.study_uid, other.path)
