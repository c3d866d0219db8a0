"""One scan → its windowed slices: what ingest stores and what prediction looks at."""

from collections.abc import Callable
from typing import Any, NamedTuple

import cv2
import numpy as np
import xxhash

from hohoho.dicom.reader import GLANCE
from hohoho.errors import Unusable
from hohoho.prefetch import prefetch
from hohoho.scans.geometry import gap_warnings
from hohoho.scans.hu_check import hu_warning, slices_unlike_others
from hohoho.scans.scan import REPAIRED, SKIPPED, WARNED, Note, Scan
from hohoho.scans.windowing import window_and_resize

BRAIN_HU = (0, 80)
EMPTY_PICTURE_SD = 1.0  # grey levels
USUAL_SIDE = 512  # pixels


class ReadSlices(NamedTuple):
    """The slices of a scan that could be read, foot to head; their pixels are kept elsewhere."""

    kept: np.ndarray  # (n,) indices into the scan's slices
    hashes: list[str | None]  # of their HU; None where the picture shows too little to tell two people apart
    notes: list[Note]  # index: among all slices of the scan where skipped, among the kept ones else, None for all


def read_scan(
    scan: Scan, image_size: int, window_center_hu: float, window_width_hu: float
) -> tuple[ReadSlices, np.ndarray]:
    """Reads, windows and resizes every slice of one scan. Returns also the pixels, (n, size, size) uint8."""
    prefetch(scan.paths)
    pixels = []
    slices = collect(scan, image_size, (window_center_hu, window_width_hu), pixels.append)
    return slices, np.stack(pixels) if pixels else np.zeros((0, image_size, image_size), np.uint8)


def collect(
    scan: Scan, image_size: int, window_hu: tuple[float, float], keep: Callable[[np.ndarray], Any]
) -> ReadSlices:
    """Reads every slice of one scan; those that cannot be read become notes, `keep` gets the pixels of the others.

    window_hu: center, width.
    """
    kept, hashes, notes, sizes, samples = [], [], [], set(), []
    for i, (image, spacing_mm) in enumerate(zip(scan.images, scan.spacing_mm, strict=True)):
        try:
            hu, repairs = scan.read_slice(image)
        except Unusable as unusable:
            notes.append(Note(SKIPPED, unusable.reason, scan.study, index=i))
            continue
        pixels = np.ascontiguousarray(window_and_resize(hu, spacing_mm, image_size, *window_hu))
        sample = hu[::GLANCE, ::GLANCE].copy()  # no view, which would keep the whole slice
        notes += [Note(REPAIRED, repair, scan.study, index=len(kept)) for repair in repairs]
        if not (_shows_brain(sample) or _shows_brain(hu)):
            notes.append(Note(WARNED, "nothing_in_brain_range", scan.study, index=len(kept)))
        hashes.append(pixel_hash(hu) if cv2.meanStdDev(pixels)[1].item() > EMPTY_PICTURE_SD else None)
        samples += [sample.ravel()] if hu.dtype == np.int16 else []  # of grey levels the source assumes the window
        sizes.add((*hu.shape, *spacing_mm.tolist()))
        keep(pixels)
        kept.append(i)
    notes += [Note(WARNED, "slice_without_air", scan.study, index=place) for place in slices_unlike_others(samples)]
    warnings = _size_warnings(sizes) + gap_warnings(scan.position_mm[kept], scan.missing_below(kept))
    warnings += [hu_warning(np.concatenate(samples)) if samples else None]
    notes += [Note(WARNED, warning, scan.study) for warning in warnings if warning]
    return ReadSlices(np.array(kept, int), hashes, notes)


def pixel_hash(hu: np.ndarray) -> str:
    """32 hex characters that tell slices of different size or HU apart; the same on every machine. XXH3, 128 bits.

    It finds copies; whoever looks for collisions would find some.
    """
    contents = np.ascontiguousarray(hu, dtype="<i2" if hu.dtype.kind in "iu" else "<f4")
    digest = xxhash.xxh3_128(str(contents.shape).encode())
    digest.update(contents)
    return digest.hexdigest()


def _size_warnings(sizes):
    """What of all (rows, columns, mm down, mm across) of a scan is no plain matrix of 512 x 512."""
    matrices = {size[:2] for size in sizes}
    oblong = any(rows != columns or down_mm != across_mm for rows, columns, down_mm, across_mm in sizes)
    other = len(matrices) == 1 and all(rows == columns != USUAL_SIDE for rows, columns in matrices)
    kinds = {"mixed_sizes": len(sizes) > 1, "not_square": oblong, "matrix_not_512": other}
    return [name for name, is_found in kinds.items() if is_found]


def _shows_brain(hu):
    return np.any((hu >= BRAIN_HU[0]) & (hu <= BRAIN_HU[1]))
