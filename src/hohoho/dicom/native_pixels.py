"""Pixels as they stand in a file, not compressed: where they begin, whether they are all there, and their values."""

import numpy as np

from hohoho.dicom.hounsfield import PixelFormat
from hohoho.dicom.stream import BoundedStream
from hohoho.dicom.tags import PIXEL_DATA
from hohoho.dicom.values import ITEM
from hohoho.errors import Unusable

UNDEFINED_LENGTH = 0xFFFFFFFF
EXPLICIT = (b"OB", b"OW", b"UN")
TRAILING_GROUPS = (0xFFFA, 0xFFFC)  # digital signatures and padding may follow the pixels (PS3.5 7.2)


def native_offsets(
    stream: BoundedStream, pixels: PixelFormat, frames: int, path: str
) -> tuple[list[int], tuple[str, ...]]:
    """(byte at which each frame begins, repairs); the stream has stopped at the element (7FE0,0010).

    Raises Unusable where there is no such element, or it is compressed or holds too little.
    """
    order = "little" if pixels.dtype[0] == "<" else "big"
    tag, offset, length = element_header(stream, order)
    if tag != PIXEL_DATA:
        raise Unusable("no_pixels", f"{path}: no Pixel Data (7FE0,0010)")
    if length == UNDEFINED_LENGTH and starts_with_item(stream, offset):
        raise Unusable("wrong_transfer_syntax", f"{path}: compressed, though its transfer syntax says not")
    size = pixels.rows * pixels.columns * np.dtype(pixels.dtype).itemsize
    needed, there = size * frames, min(length, stream.length() - offset)
    if there < needed:
        raise Unusable("truncated_pixels", f"{path}: {max(there, 0)} of {needed} bytes of pixel data")
    is_longer = UNDEFINED_LENGTH != length > needed + needed % 2
    surplus = is_longer or _is_followed_by_garbage(stream, offset + length, order)
    return [offset + size * frame for frame in range(frames)], ("trailing_bytes",) * surplus


def element_header(stream: BoundedStream, order: str) -> tuple[int, int, int]:
    """(tag, byte at which the value begins, its length) of Pixel Data, where the stream stands (PS3.5 7.1).

    Some files declare the one encoding of value representations and use the other, so the element itself tells: read
    as an implicit length, OB and OW and UN would be odd numbers, which no length may be.
    """
    at, element = stream.tell(), stream.read(12)
    if element[4:6] in EXPLICIT:
        return _tag(element, order), at + 12, int.from_bytes(element[8:], order)
    return _tag(element, order), at + 8, int.from_bytes(element[4:8], order)


def starts_with_item(stream: BoundedStream, offset: int) -> bool:
    """Whether pixels begin as compressed ones do, with an item of fragments (PS3.5 A.4)."""
    stream.seek(offset)
    return stream.read(4) in ITEM.values()


def read_native(path: str, pixels: PixelFormat) -> np.ndarray:
    """(rows, columns) stored values in the machine's byte order. Raises Unusable: nothing is ever filled in."""
    try:
        stored = np.fromfile(path, pixels.dtype, pixels.rows * pixels.columns, offset=pixels.offset)
    except OSError as error:
        raise Unusable("unreadable", f"{path}: {error.strerror}") from error
    if len(stored) < pixels.rows * pixels.columns:
        raise Unusable("truncated_pixels", f"{path}: the pixel data end too early")
    return _picture(stored, pixels)


def native_values(stream: BoundedStream, pixels: PixelFormat, offset: int) -> np.ndarray:
    """The same from an inflated stream, which `native_offsets` has found long enough."""
    stream.seek(offset)
    size = pixels.rows * pixels.columns * np.dtype(pixels.dtype).itemsize
    return _picture(np.frombuffer(stream.read(size), pixels.dtype), pixels)


def _picture(stored, pixels):
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
