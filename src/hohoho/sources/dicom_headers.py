"""DICOM files → headers of usable slices: each image once, and a note on every file that is none."""

import filecmp
from collections.abc import Iterable
from functools import partial

from tqdm import tqdm

from hohoho.dicom.header import SliceHeader
from hohoho.dicom.reader import read_frames
from hohoho.scan import REFUSED, REPAIRED, SKIPPED, WARNED, Note, Unusable
from hohoho.workers import ordered_map

SHARED = ("study_uid", "series_uid", "patient_id", "orientation", "spacing_mm", "kernel", "manufacturer", "pixels")


def read_headers(
    paths: Iterable, workers: int | str, assumed_rescale: tuple[float, float] | None = None, progress: bool = False
) -> tuple[list[SliceHeader], list[Note]]:
    """(headers, notes) of all files; what is no usable CT slice becomes a note. The order of `paths` is irrelevant.

    Two different images that carry one SOP Instance UID are refused by a note. Raises MissingCodec.
    """
    paths = sorted(str(path) for path in paths)
    read = partial(_headers_or_note, assumed_rescale=assumed_rescale)
    results = ordered_map(read, paths, workers, chunk=64)
    once, bar = {}, tqdm(results, "headers", len(paths), disable=not progress, unit="file")
    notes, headers = [], []
    for result in bar:
        if isinstance(result, Note):
            notes.append(result)
        else:
            headers += [_sharing(header, once) for header in result]
    headers.sort(key=lambda header: (header.study_uid, header.series_uid, header.sop_uid, header.image))
    headers, repeated = _without_repeats(headers)
    return headers, notes + repeated + [note for header in headers for note in _header_notes(header)]


def _headers_or_note(path, assumed_rescale):
    try:
        return read_frames(path, assumed_rescale)
    except Unusable as unusable:
        return Note(SKIPPED, unusable.reason, item=path)


def _sharing(header, once):
    """The header with the one copy of what many have in common: all of a data set's are held in memory at once."""
    values = {name: getattr(header, name) for name in SHARED}
    return header._replace(**{name: once.setdefault(value, value) for name, value in values.items()})


def _header_notes(header):
    repairs = [Note(REPAIRED, reason, header.study_uid, header.path) for reason in header.repairs]
    return repairs + [Note(WARNED, reason, header.study_uid, header.path) for reason in header.warnings]


def _without_repeats(headers):
    """One header for every SOP Instance UID; the same file twice is repaired, two images of one name are refused."""
    first, notes = {}, []
    for header in headers:
        known = first.setdefault((header.sop_uid, header.frame), header)
        if known is not header:
            same = filecmp.cmp(known.path, header.path, shallow=False)
            action, reason = (REPAIRED, "same_file_twice") if same else (REFUSED, "one_uid_two_images")
            notes.append(Note(action, reason, header.study_uid, header.path))
    return list(first.values()), notes
