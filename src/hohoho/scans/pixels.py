"""One scan → its windowed pictures: what ingest stores and what prediction looks at."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import cv2
import numpy as np

from hohoho.dicom.reader import GLANCE
from hohoho.errors import Unusable
from hohoho.prefetch import prefetch
from hohoho.scans.geometry import gap_warnings
from hohoho.scans.hu_check import hu_warning
from hohoho.scans.pixel_hash import pixel_hash
from hohoho.scans.scan import REPAIRED, SKIPPED, WARNED, Note, Scan
from hohoho.scans.windowing import square_slice

BRAIN_HU = (0, 80)
EMPTY_PICTURE_SD = 1.0  # grey levels
USUAL_SIDE = 512  # pixels


class Picture(NamedTuple):
    """One slice as it is stored, or why it is not."""

    pixels: np.ndarray | None  # (size, size) uint8; None where it could not be read
    pixel_hash: str | None  # of its HU; None where the picture shows too little to tell two people apart
    notes: tuple[tuple[str, str], ...]  # action, reason
    size: tuple[int, ...] = ()  # rows and columns of the file; () where it could not be read
    sample: np.ndarray | None = None  # every 16th pixel in HU; None of grey levels, whose window the source assumes


class ScanPixels(NamedTuple):
    """The slices of a scan that could be read, foot to head."""

    kept: np.ndarray  # (n,) indices into the scan's slices
    pixels: np.ndarray  # (n, size, size) uint8
    hashes: list[str | None]  # as in Picture
    notes: list[Note]  # index: among all slices of the scan where skipped, among the kept ones else, None for all


def read_scan(scan: Scan, image_size: int, window_center_hu: float, window_width_hu: float) -> ScanPixels:
    """Reads, windows and resizes every slice of one scan; slices that cannot be read become notes."""
    prefetch(scan.paths)
    window, pixels = (window_center_hu, window_width_hu), []
    tasks = zip(scan.images, scan.spacing_mm, strict=True)
    pictures = (read_picture(scan.read_slice, *task, image_size, window) for task in tasks)
    kept, hashes, notes = gather(scan, pictures, pixels.append)
    stack = np.stack(pixels) if pixels else np.zeros((0, image_size, image_size), np.uint8)
    return ScanPixels(kept, stack, hashes, notes)


def read_picture(
    read_slice: Callable, image: Any, spacing_mm: np.ndarray, image_size: int, window_hu: tuple[float, float]
) -> Picture:
    """Reads, windows and resizes one slice. window_hu: center, width."""
    try:
        hu, repairs = read_slice(image)
    except Unusable as unusable:
        return Picture(None, None, ((SKIPPED, unusable.reason),))
    pixels = square_slice(hu, spacing_mm, image_size, *window_hu)
    notes = tuple((REPAIRED, repair) for repair in repairs)
    sample = hu[::GLANCE, ::GLANCE].copy()  # no view, which would keep the whole slice
    if not (_shows_brain(sample) or _shows_brain(hu)):
        notes += ((WARNED, "nothing_in_brain_range"),)
    image_hash = None if _is_empty(pixels) else pixel_hash(hu)
    return Picture(pixels, image_hash, notes, hu.shape, sample if hu.dtype == np.int16 else None)


def gather(
    scan: Scan, pictures: Iterable[Picture], keep: Callable[[np.ndarray], None]
) -> tuple[np.ndarray, list[str | None], list[Note]]:
    """(kept, hashes, notes) as in ScanPixels, from the pictures of all slices of one scan; `keep` gets the pixels."""
    kept, hashes, notes, sizes, samples = [], [], [], set(), []
    for i, picture in enumerate(pictures):
        index = i if picture.pixels is None else len(kept)
        notes += [Note(action, reason, scan.study, index=index) for action, reason in picture.notes]
        if picture.pixels is not None:
            keep(picture.pixels)
            kept.append(i)
            hashes.append(picture.pixel_hash)
            sizes.add((*picture.size, *scan.spacing_mm[i].tolist()))
            samples += [] if picture.sample is None else [picture.sample.ravel()]
    warnings = _size_warnings(sizes) + gap_warnings(scan.position_mm[kept])
    warnings += [hu_warning(np.concatenate(samples)) if samples else None]
    notes += [Note(WARNED, warning, scan.study) for warning in warnings if warning]
    return np.array(kept, int), hashes, notes


def _size_warnings(sizes):
    """What of all (rows, columns, mm down, mm across) of a scan is no plain matrix of 512 x 512."""
    matrices = {size[:2] for size in sizes}
    oblong = any(rows != columns or down_mm != across_mm for rows, columns, down_mm, across_mm in sizes)
    other = len(matrices) == 1 and all(rows == columns != USUAL_SIDE for rows, columns in matrices)
    kinds = {"mixed_sizes": len(sizes) > 1, "not_square": oblong, "matrix_not_512": other}
    return [name for name, is_found in kinds.items() if is_found]


def _shows_brain(hu):
    return np.any((hu >= BRAIN_HU[0]) & (hu <= BRAIN_HU[1]))


def _is_empty(pixels):
    return cv2.meanStdDev(pixels)[1].item() <= EMPTY_PICTURE_SD
