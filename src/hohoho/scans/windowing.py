"""HU → the square 8-bit picture in one window that training and prediction both see."""

from functools import cache

import cv2
import numpy as np

from hohoho.dicom.hounsfield import AIR_HU

cv2.setNumThreads(1)  # ingest runs a process on every core already
INT16 = np.iinfo(np.int16)


def window_uint8(hu: np.ndarray, center: float, width: float) -> np.ndarray:
    """HU of any shape → uint8: 0 at center - width/2 and below, 255 at center + width/2 and above.

    DICOM PS3.3 C.11.2.1.3.2 (LINEAR_EXACT). center, width: HU.
    """
    hu = np.asarray(hu)
    if hu.dtype == np.int16 and hu.ndim == 2 and _scales_exactly(center, width):
        return _scaled(hu, center, width)
    return _by_formula(hu, center, width)


def _by_formula(hu, center, width):
    grey = (hu.astype(np.float32) - np.float32(center - width / 2)) * np.float32(255) / np.float32(width)
    return np.rint(np.clip(grey, 0, 255)).astype(np.uint8)


def _scaled(hu, center, width):
    """Ten times as fast as the formula; what lies below the window is lifted, as OpenCV takes absolute values."""
    lowest = center - width / 2
    within = np.clip(hu, np.int16(max(np.ceil(lowest), INT16.min)), np.int16(INT16.max))
    return cv2.convertScaleAbs(within, alpha=255 / width, beta=-lowest * 255 / width)


@cache
def _scales_exactly(center, width):
    """Whether OpenCV's rounding gives the grey level of the formula for every int16."""
    if not INT16.min <= center - width / 2 <= INT16.max:
        return False
    every = np.arange(INT16.min, INT16.max + 1).astype(np.int16).reshape(256, -1)
    return np.array_equal(_scaled(every, center, width), _by_formula(every, center, width))


def window_and_resize(
    hu: np.ndarray, spacing_mm: tuple[float, float], image_size: int, center: float, width: float
) -> np.ndarray:
    """(rows, columns) HU → (image_size, image_size) uint8, the whole picture in its true proportions, air around it.

    spacing_mm: between rows, between columns. Windowed first, so that bone does not bleed into the brain beside it.
    """
    air = window_uint8(AIR_HU, center, width)
    return to_square(window_uint8(hu, center, width), spacing_mm, image_size, air)


def to_square(picture: np.ndarray, spacing_mm: tuple[float, float], side: int, outside: float) -> np.ndarray:
    """(rows, columns) → (side, side) of the same type, in true proportions, `outside` around it. Others as above."""
    lengths = np.array(picture.shape) * np.array(spacing_mm) / max(spacing_mm)
    rows, columns = np.maximum(1, np.rint(lengths * side / lengths.max())).astype(int)
    shrinks = rows <= picture.shape[0] and columns <= picture.shape[1]
    if picture.shape != (rows, columns):
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        picture = cv2.resize(picture, (int(columns), int(rows)), interpolation=method)
    if rows == columns:
        return picture
    square = np.full((side, side), outside, picture.dtype)
    top, left = (side - rows) // 2, (side - columns) // 2
    square[top : top + rows, left : left + columns] = picture
    return square
