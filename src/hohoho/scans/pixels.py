"""One scan → its windowed slices: what ingest stores and what prediction looks at."""

from collections.abc import Callable
from typing import Any, NamedTuple

import cv2
import numpy as np

from hohoho.dicom.reader import GLANCE
from hohoho.errors import Unusable
from hohoho.prefetch import prefetch
from hohoho.scans.geometry import gap_warnings
from hohoho.scans.hu_check import hu_warning, slices_unlike_others
from hohoho.scans.pixel_hash import pixel_hash
from hohoho.scans.scan import REPAIRED, SKIPPED, WARNED, Note, Scan
from hohoho.scans.windowing import window_and_resize

BRAIN_HU = (0, 80)
EMPTY_PICTURE_SD = 1.0  # grey levels
USUAL_SIDE = 512  # pixels


class WindowedSlice(NamedTuple):
    """One slice as it is stored, or why it is not."""

    pixels: np.ndarray | None  # (size, size) uint8, C-contiguous; None where it could not be read
    pixel_hash: str | None  # of its HU; None where the picture shows too little to tell two people apart
    notes: tuple[tuple[str, str], ...]  # action, reason
    size: tuple[int, ...] = ()  # rows and columns of the file; () where it could not be read
    sample: np.ndarray | None = None  # every 16th pixel in HU; None of grey levels, whose window the source assumes


class ReadSlices(NamedTuple):
    """The slices of a scan that could be read, foot to head; their pixels are kept elsewhere."""

    kept: np.ndarray  # (n,) indices into the scan's slices
    hashes: list[str | None]  # as in WindowedSlice
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
        windowed = read_windowed(scan.read_slice, image, spacing_mm, image_size, window_hu)
        index = i if windowed.pixels is None else len(kept)
        notes += [Note(action, reason, scan.study, index=index) for action, reason in windowed.notes]
        if windowed.pixels is not None:
            keep(windowed.pixels)
            kept.append(i)
            hashes.append(windowed.pixel_hash)
            sizes.add((*windowed.size, *spacing_mm.tolist()))
            samples += [] if windowed.sample is None else [windowed.sample.ravel()]
    notes += [Note(WARNED, "slice_without_air", scan.study, index=place) for place in slices_unlike_others(samples)]
    warnings = _size_warnings(sizes) + gap_warnings(scan.position_mm[kept], scan.missing_below(kept))
    warnings += [hu_warning(np.concatenate(samples)) if samples else None]
    notes += [Note(WARNED, warning, scan.study) for warning in warnings if warning]
    return ReadSlices(np.array(kept, int), hashes, notes)


def read_windowed(
    read_slice: Callable, image: Any, spacing_mm: np.ndarray, image_size: int, window_hu: tuple[float, float]
) -> WindowedSlice:
    """Reads, windows and resizes one slice. window_hu: center, width."""
    try:
        hu, repairs = read_slice(image)
    except Unusable as unusable:
        return WindowedSlice(None, None, ((SKIPPED, unusable.reason),))
    pixels = np.ascontiguousarray(window_and_resize(hu, spacing_mm, image_size, *window_hu))
    notes = tuple((REPAIRED, repair) for repair in repairs)
    sample = hu[::GLANCE, ::GLANCE].copy()  # no view, which would keep the whole slice
    if not (_shows_brain(sample) or _shows_brain(hu)):
        notes += ((WARNED, "nothing_in_brain_range"),)
    image_hash = pixel_hash(hu) if cv2.meanStdDev(pixels)[1].item() > EMPTY_PICTURE_SD else None
    return WindowedSlice(pixels, image_hash, notes, hu.shape, sample if hu.dtype == np.int16 else None)


def _size_warnings(sizes):
    """What of all (rows, columns, mm down, mm across) of a scan is no plain matrix of 512 x 512."""
    matrices = {size[:2] for size in sizes}
    oblong = any(rows != columns or down_mm != across_mm for rows, columns, down_mm, across_mm in sizes)
    other = len(matrices) == 1 and all(rows == columns != USUAL_SIDE for rows, columns in matrices)
    kinds = {"mixed_sizes": len(sizes) > 1, "not_square": oblong, "matrix_not_512": other}
    return [name for name, is_found in kinds.items() if is_found]


def _shows_brain(hu):
    return np.any((hu >= BRAIN_HU[0]) & (hu <= BRAIN_HU[1]))
