"""Which series of a study stands for it: one rule, the same on every machine."""

import math
import re
from typing import Any, NamedTuple

from hohoho.dicom.content import DERIVED, ELSEWHERE, PROJECTION
from hohoho.scans.geometry import missing_slices, thickness_mm

HEAD_CT_THICKNESS_MM = 5.0
HEAD_MM = (100.0, 260.0)  # extent of a whole head, with the neck that is often scanned along
FULL = 0.8  # of the longest head: a shorter one is a part of it
SHARP_NAMES = re.compile(r"BONE|EDGE|LUNG|DETAIL|SHARP|ULTRA|^(D|E|YC|YD|YE)$|^FC[358]\d")
NUMBERED_KERNEL = re.compile(r"^[A-Z]{1,2}(\d\d)")  # Siemens: H31s, Hr38h soft, H60s and above sharp
SHARP_NUMBER = 50
SOFT, UNKNOWN, SHARP = 0, 1, 2


class Criterion(NamedTuple):
    """One point of the choice. The series with the smallest rank wins it, in these words."""

    advantage: str
    rank: Any


def kernel_rank(kernel: str | None) -> int:
    """SOFT, UNKNOWN (no kernel given) or SHARP (bone, lung), from a manufacturer's name of the kernel."""
    if kernel is None:
        return UNKNOWN
    name = kernel.upper().strip()
    numbered = NUMBERED_KERNEL.match(name)
    if SHARP_NAMES.search(name):
        return SHARP
    if numbered and not name.startswith("FC"):
        return SHARP if int(numbered[1]) >= SHARP_NUMBER else SOFT
    return SOFT


def criteria(series, study: list, preferred_kernel: str | None = None) -> list[Criterion]:
    """What decides between the series of a study, the weightiest first; it never depends on the order of files.

    series: of `study`, all series that are to be compared. preferred_kernel: part of the name of the kernel to take.
    """
    first = series.headers[0]
    kind, contrast, part, number, _ = first.content
    preferred = preferred_kernel is not None and preferred_kernel.upper() in (first.kernel or "").upper()
    thickness = thickness_mm(series.headers)
    off_mm = math.inf if math.isnan(thickness) else abs(thickness - HEAD_CT_THICKNESS_MM)
    least_mm, most_mm = HEAD_MM
    extent = series.extent_mm
    fullest = max((other.extent_mm for other in study if other.extent_mm <= most_mm), default=extent)
    is_part = extent < min(least_mm, FULL * fullest) and fullest >= least_mm
    timed = all(other.acquired for other in study)
    return [
        Criterion("slices in HU, not projections or maps of something else", max(kind, DERIVED)),
        Criterion("no name of another body part", part == ELSEWHERE),
        Criterion("measured positions", not series.is_measured),
        Criterion("no contrast", contrast),
        Criterion("original images, not derived ones", min(kind, PROJECTION)),
        Criterion("the extent of a head", 2 if is_part else int(extent > most_mm)),
        Criterion("the name of a head", part),
        Criterion("the preferred kernel", not preferred),
        Criterion("the softer kernel", kernel_rank(first.kernel)),
        Criterion("a thickness nearer 5 mm", off_mm),
        Criterion("more of the head", extent < FULL * fullest),
        Criterion("no missing slice", bool(missing_slices(series.position_mm, series.step_mm).any())),
        Criterion("the earlier acquisition", series.acquired if timed else ""),
        Criterion("the smaller series number", number),
        Criterion("the earlier acquisition", series.phase),
        Criterion("more slices", -len(series.headers)),
        Criterion("the smaller UID", first.series_uid),
    ]
