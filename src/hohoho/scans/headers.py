"""DICOM files → headers of usable slices: each image once, and a note on every file that is none."""

import filecmp
from collections.abc import Iterable
from functools import partial

from tqdm import tqdm

from hohoho.dicom.header import SliceHeader
from hohoho.dicom.reader import read_frames
from hohoho.errors import Unusable
from hohoho.prefetch import prefetch
from hohoho.scans.scan import REPAIRED, SKIPPED, WARNED, Note
from hohoho.workers import Workers, ordered_map

SHARED = ("study_uid", "series_uid", "patient_id", "orientation", "spacing_mm", "kernel", "manufacturer")
SHARED += ("pixels", "content")
BATCH = 128  # files that a worker reads in one go
HEADER_BYTES = 32768  # asked for ahead; nearly every header is far shorter


def read_headers(
    paths: Iterable, workers: Workers, assumed_rescale: tuple[float, float] | None = None, progress: bool = False
) -> tuple[list[SliceHeader], list[Note]]:
    """(headers, notes) of all files; what is no usable CT slice becomes a note. The order of `paths` is irrelevant.

    Raises MissingCodec.
    """
    paths = sorted(str(path) for path in paths)
    batches = [paths[first : first + BATCH] for first in range(0, len(paths), BATCH)]
    headers, notes, read = [], [], partial(_read_batch, assumed_rescale=assumed_rescale)
    with tqdm(desc="headers", total=len(paths), disable=not progress, unit="file") as bar:
        for batch, (found, skipped) in zip(batches, ordered_map(read, batches, workers), strict=True):
            headers += found
            notes += skipped
            bar.update(len(batch))
    headers.sort(key=lambda header: (header.study_uid, header.series_uid, header.sop_uid, header.image))
    headers, repeated = _without_repeats(headers)
    for header in headers:
        told = [(REPAIRED, reason) for reason in header.repairs] + [(WARNED, reason) for reason in header.warnings]
        repeated += [Note(action, reason, header.study_uid, header.path) for action, reason in told]
    return headers, notes + repeated


def _read_batch(paths, assumed_rescale):
    """(headers, notes) of some files."""
    once, headers, notes = {}, [], []
    prefetch(paths, HEADER_BYTES)
    for path in paths:
        try:
            headers += [_sharing(header, once) for header in read_frames(path, assumed_rescale)]
        except Unusable as unusable:
            notes.append(Note(SKIPPED, unusable.reason, unusable.study, path))
    return headers, notes


def _sharing(header, once):
    """The header with the one copy of what many have in common: all of a data set's travel, and stay in memory."""
    values = {name: getattr(header, name) for name in SHARED}
    return header._replace(**{name: once.setdefault(value, value) for name, value in values.items()})


def _without_repeats(headers):
    """Each file once. Two images of one SOP Instance UID both stay: they speak against their study."""
    first, kept, notes = {}, [], []
    for header in headers:
        known = first.setdefault((header.sop_uid, header.frame), header)
        if known is not header and filecmp.cmp(known.path, header.path, shallow=False):
            notes.append(Note(REPAIRED, "same_file_twice", header.study_uid, header.path))
        else:
            kept.append(header)
    return kept, notes
