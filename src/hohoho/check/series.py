"""Every series of a tree, those that ingest takes and those that it leaves, each with the reason."""

from collections import Counter, defaultdict
from itertools import groupby
from typing import NamedTuple

import numpy as np

from hohoho import labels
from hohoho.dicom.header import SliceHeader
from hohoho.scans.assembly import Series, scan_of, series_of
from hohoho.scans.choice import choice_key
from hohoho.scans.geometry import positions_mm
from hohoho.scans.scan import REFUSED, SKIPPED, WARNED, Note, Scan

# What the chosen series has, by the place in `choice_key` at which another one falls behind.
ADVANTAGES = ("the preferred kernel", "the softer kernel", "a thickness nearer 5 mm", "more slices", "the smaller UID")


class FoundSeries(NamedTuple):
    """One series of a study as a scan of its own, whether ingest takes it or not."""

    study: str  # running number, "2"
    series: str  # running number in its study, "2.1"
    scan: Scan
    reason: str | None  # why ingest leaves it, None where it takes it
    repairs: list[str]  # of its order
    warnings: list[str]  # of its order and thickness


def unlabelled(headers: list) -> np.ndarray:
    """(Z, 5) NaN: no slice has a label."""
    return labels.unlabelled(len(headers))


def find_series(
    headers: list[SliceHeader], scans: list[Scan], notes: list[Note], preferred_kernel: str | None = None
) -> list[FoundSeries]:
    """All series of all studies. headers: as `read_headers` gives them; scans, notes: what `build_scans` made of them.

    Studies are numbered by their UIDs; series within a study in the order in which ingest would take them, then those
    that it refuses.
    """
    taken = {scan.study: scan.images[0].image for scan in scans}
    warned = defaultdict(list)
    for note in notes:
        if note.action == WARNED and note.item is None:
            warned[note.study].append(note.reason)
    refusals = {note.item: note.reason for note in notes if note.action in (SKIPPED, REFUSED)}
    found = []
    for number, (study, group) in enumerate(groupby(headers, key=lambda header: header.study_uid), 1):
        group = list(group)
        usable = series_of(group, []) if study in taken else []
        usable.sort(key=lambda series: choice_key(series.headers, preferred_kernel))
        reasons = [_why_left(series, usable[0], taken[study], f"{number}.1", preferred_kernel) for series in usable]
        refused = _refused(group, usable, refusals)
        reasons += [_commonest(refusals[header.path] for header in series.headers) for series in refused]
        for place, (series, reason) in enumerate(zip(usable + refused, reasons, strict=True), 1):
            scan = scan_of(study, series, unlabelled)
            warnings = series.warnings if reason else warned[study]
            found.append(FoundSeries(f"{number}", f"{number}.{place}", scan, reason, series.repairs, warnings))
    return found


def _why_left(series, best, taken_image, best_name, preferred_kernel):
    """Why ingest takes another series of the study, None where it takes this one."""
    if series.headers[0].image == taken_image:
        return None
    ours, theirs = (choice_key(each.headers, preferred_kernel) for each in (best, series))
    keys = zip(ours, theirs, ADVANTAGES, strict=True)
    advantage = next((advantage for our, their, advantage in keys if our != their), "the earlier acquisition")
    return f"other_series: {best_name} has {advantage}"


def _refused(study_headers, usable, refusals):
    """The study's series of which no slice is usable."""
    known = {series.headers[0].series_uid for series in usable}
    refused = [header for header in study_headers if header.series_uid not in known and header.path in refusals]
    return [_by_position(list(group)) for _, group in groupby(refused, key=lambda header: header.series_uid)]


def _by_position(headers):
    """Series of a group that ingest refuses: by position where there is one, else by file name."""
    position_mm, warnings = positions_mm(headers)
    if position_mm is None:
        position_mm = np.full(len(headers), np.nan)
    order = sorted(range(len(headers)), key=lambda i: (position_mm[i], headers[i].path))
    return Series([headers[i] for i in order], position_mm[order], [], warnings)


def _commonest(reasons):
    return Counter(sorted(reasons)).most_common(1)[0][0]
