"""One scan → its windowed pictures: what ingest stores and what prediction looks at."""

import hashlib
from typing import NamedTuple

import numpy as np

from hohoho.scan import REPAIRED, SKIPPED, WARNED, Note, Scan, Unusable
from hohoho.windowing import square_slice

BRAIN_HU = (0, 80)
EMPTY_PICTURE_SD = 1.0  # grey levels


class ScanPixels(NamedTuple):
    """The slices of a scan that could be read, foot to head."""

    kept: np.ndarray  # (n,) indices into the scan's slices
    pixels: np.ndarray  # (n, size, size) uint8
    hashes: list[str | None]  # of each slice's HU; None where the picture shows too little to tell two people apart
    notes: list[Note]  # index: among all slices of the scan where skipped, among the kept ones else


def read_scan(scan: Scan, image_size: int, window_center_hu: float, window_width_hu: float) -> ScanPixels:
    """Reads, windows and resizes every slice of one scan; slices that cannot be read become notes."""
    kept, pictures, hashes, notes = [], [], [], []
    for i, image in enumerate(scan.images):
        try:
            hu, repairs = scan.read_slice(image)
        except Unusable as unusable:
            notes.append(Note(SKIPPED, unusable.reason, scan.study, index=i))
            continue
        notes += [Note(REPAIRED, repair, scan.study, index=len(kept)) for repair in repairs]
        pictures.append(square_slice(hu, scan.spacing_mm[i], image_size, window_center_hu, window_width_hu))
        hashes.append(pixel_hash(hu) if pictures[-1].std() > EMPTY_PICTURE_SD else None)
        kept.append(i)
        if not np.any((hu >= BRAIN_HU[0]) & (hu <= BRAIN_HU[1])):
            notes.append(Note(WARNED, "nothing_in_brain_range", scan.study, index=len(kept) - 1))
    pixels = np.stack(pictures) if pictures else np.zeros((0, image_size, image_size), np.uint8)
    return ScanPixels(np.array(kept, int), pixels, hashes, notes)


def pixel_hash(hu: np.ndarray) -> str:
    """32 hex characters that tell slices of different size or HU apart; the same on every machine."""
    contents = np.ascontiguousarray(hu, dtype="<i2" if hu.dtype.kind in "iu" else "<f4")
    return hashlib.sha256(str(contents.shape).encode() + contents.tobytes()).hexdigest()[:32]
