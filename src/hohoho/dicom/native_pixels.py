"""Pixels as they stand in a file, not compressed: where they begin, whether they are all there, and their values."""

import numpy as np

from hohoho.dicom.hounsfield import PixelFormat
from hohoho.dicom.stream import BoundedStream
from hohoho.errors import Unusable

PIXEL_DATA, UNDEFINED_LENGTH = 0x7FE00010, 0xFFFFFFFF
TRAILING_GROUPS = (0xFFFA, 0xFFFC)  # digital signatures and padding may follow the pixels (PS3.5 7.2)


def native_offsets(
    stream: BoundedStream, pixels: PixelFormat, frames: int, is_implicit: bool, path: str
) -> tuple[list[int], tuple[str, ...]]:
    """(byte at which each frame begins, repairs); the stream has stopped at the element (7FE0,0010), PS3.5 7.1.

    Raises Unusable where there is no such element or it holds too little.
    """
    order, at = "little" if pixels.dtype[0] == "<" else "big", stream.tell()
    element = stream.read(12)
    if _tag(element, order) != PIXEL_DATA:
        raise Unusable("no_pixels", f"{path}: no Pixel Data (7FE0,0010)")
    offset = at + (8 if is_implicit else 12)
    length = int.from_bytes(element[4:8] if is_implicit else element[8:], order)
    size = pixels.rows * pixels.columns * np.dtype(pixels.dtype).itemsize
    needed, there = size * frames, min(length, stream.length() - offset)
    if there < needed:
        raise Unusable("truncated_pixels", f"{path}: {max(there, 0)} of {needed} bytes of pixel data")
    is_longer = UNDEFINED_LENGTH != length > needed + needed % 2
    surplus = is_longer or _is_followed_by_garbage(stream, offset + length, order)
    return [offset + size * frame for frame in range(frames)], ("trailing_bytes",) * surplus


def read_native(path: str, pixels: PixelFormat) -> np.ndarray:
    """(rows, columns) stored values in the machine's byte order. Raises Unusable: nothing is ever filled in."""
    try:
        stored = np.fromfile(path, pixels.dtype, pixels.rows * pixels.columns, offset=pixels.offset)
    except OSError as error:
        raise Unusable("unreadable", f"{path}: {error.strerror}") from error
    if len(stored) < pixels.rows * pixels.columns:
        raise Unusable("truncated_pixels", f"{path}: the pixel data end too early")
    stored = stored.reshape(pixels.rows, pixels.columns)
    return stored.astype(stored.dtype.newbyteorder("="), copy=False)


def _is_followed_by_garbage(stream, end, order):
    """Whether something stands behind the pixels that is no element of a data set."""
    stream.seek(end)
    group = _tag(stream.read(4), order) >> 16
    is_private = group > PIXEL_DATA >> 16 and group % 2 == 1
    return group != 0 and group not in TRAILING_GROUPS and not is_private


def _tag(element, order):
    return int.from_bytes(element[:2], order) << 16 | int.from_bytes(element[2:4], order)
