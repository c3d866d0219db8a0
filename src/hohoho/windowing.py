"""HU → the square 8-bit picture in one window that training and prediction both see."""

from functools import cache

import cv2
import numpy as np

from hohoho.hounsfield import AIR_HU

cv2.setNumThreads(1)  # ingest runs a process on every core already
LEVELS = 256  # of a byte


def window_uint8(hu: np.ndarray, center: float, width: float) -> np.ndarray:
    """HU of any shape → uint8: 0 at center - width/2 and below, 255 at center + width/2 and above.

    DICOM PS3.3 C.11.2.1.3.2 (LINEAR_EXACT). center, width: HU. Whole numbers (int16) go through a table of the same.
    """
    hu = np.asarray(hu)
    if hu.dtype == np.int16 and hu.ndim == 2 and width < LEVELS - 1:
        return _by_table(hu, center, width)
    grey = (hu.astype(np.float32) - np.float32(center - width / 2)) * np.float32(255) / np.float32(width)
    return np.rint(np.clip(grey, 0, 255)).astype(np.uint8)


def _by_table(hu, center, width):
    """Ten times as fast as the formula: within a narrow window the low byte of an HU tells which it is."""
    lowest = int(np.floor(center - width / 2))
    within = np.clip(hu, max(lowest, -(2**15)), min(lowest + LEVELS - 1, 2**15 - 1))
    return cv2.LUT(within.astype(np.uint8), _table(lowest, center, width))


@cache
def _table(lowest, center, width):
    """(256,) grey level by the low byte of an HU from `lowest` to `lowest` + 255."""
    hu = np.arange(lowest, lowest + LEVELS)
    table = np.empty(LEVELS, np.uint8)
    table[hu % LEVELS] = window_uint8(hu, center, width)
    return table


def square_slice(
    hu: np.ndarray, spacing_mm: tuple[float, float], image_size: int, center: float, width: float
) -> np.ndarray:
    """(rows, columns) HU → (image_size, image_size) uint8, the whole picture in its true proportions, air around it.

    spacing_mm: between rows, between columns. Windowed first, so that bone does not bleed into the brain beside it.
    """
    grey = window_uint8(hu, center, width)
    lengths = np.array(grey.shape) * np.array(spacing_mm) / max(spacing_mm)
    rows, columns = np.maximum(1, np.rint(lengths * image_size / lengths.max())).astype(int)
    shrinks = rows <= grey.shape[0] and columns <= grey.shape[1]
    if grey.shape != (rows, columns):
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        grey = cv2.resize(grey, (int(columns), int(rows)), interpolation=method)
    if rows == columns:
        return grey
    air = window_uint8(AIR_HU, center, width)
    square = np.full((image_size, image_size), air, np.uint8)
    top, left = (image_size - rows) // 2, (image_size - columns) // 2
    square[top : top + rows, left : left + columns] = grey
    return square
