"""Which series of a study stands for it: one rule, the same on every machine."""

import math
import re

from hohoho.scans.geometry import thickness_mm

HEAD_CT_THICKNESS_MM = 5.0
SHARP_NAMES = re.compile(r"BONE|EDGE|LUNG|DETAIL|SHARP|ULTRA|^(D|E|YC|YD|YE)$|^FC[358]\d")
NUMBERED_KERNEL = re.compile(r"^[A-Z]{1,2}(\d\d)")  # Siemens: H31s, Hr38h soft, H60s and above sharp
SHARP_NUMBER = 50
SOFT, UNKNOWN, SHARP = 0, 1, 2


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


def choice_key(series: list, preferred_kernel: str | None = None) -> tuple:
    """Sort key of a list of headers; the smallest is chosen.

    Soft-tissue kernel first (or the one whose name contains preferred_kernel), thickness nearest 5 mm, most slices,
    then the series UID, so that the choice never depends on file order.
    """
    first = series[0]
    preferred = preferred_kernel is not None and preferred_kernel.upper() in (first.kernel or "").upper()
    thick_mm = thickness_mm(series)
    off_mm = math.inf if math.isnan(thick_mm) else abs(thick_mm - HEAD_CT_THICKNESS_MM)
    return not preferred, kernel_rank(first.kernel), off_mm, -len(series), first.series_uid
