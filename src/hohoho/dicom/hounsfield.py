"""Stored values → Hounsfield units: padding, unused bits, wrapped negatives, rescale."""

from typing import NamedTuple

import numpy as np

from hohoho.errors import Unusable

AIR_HU = -1024
HIGHEST_HU = 32767
LOWEST_MEASURED_HU = -1200  # air, noise and all
WRAPPED_FROM = 3072  # 4096 - 1024: where 12 unsigned bits put -1024 HU


class PixelFormat(NamedTuple):
    """How an image's pixels are stored, and the line that turns them into HU (DICOM PS3.3 C.7.6.3, C.11.1)."""

    rows: int
    columns: int
    dtype: str  # of the stored words, with byte order: "<i2"
    bits_stored: int
    slope: float
    intercept: float
    padding: tuple[int, int] | None  # lowest and highest stored value that means "not measured"
    offset: int | None  # of the first pixel in the file, None where a decoder is needed


def to_hu(stored: np.ndarray, pixels: PixelFormat) -> tuple[np.ndarray, tuple[str, ...]]:
    """(rows, columns) stored values → (int16 HU, never below -1024; repairs made). Padding becomes -1024 HU.

    Raises Unusable where the values do not sit in the bits that count.
    """
    # Padding is a stored value, masked before anything changes it (PS3.3 C.7.5.1.1.2)
    padding = _padding(stored, pixels)

    # Of a word only Bits Stored count (PS3.5 8.1.1)
    values, beyond = _own_bits(stored, pixels, padding)

    # No section allows it: negative values that a writer put into 12 unsigned bits
    wrapped = is_wrapped(values, pixels)
    if wrapped:
        padding = padding | _wrapped_padding(values, pixels)
        values = np.where(values >= WRAPPED_FROM, values.astype(np.int32) - 4096, values)

    # HU = slope * value + intercept (PS3.3 C.11.1.1.2)
    hu = _rescaled(values, pixels.slope, pixels.intercept)

    # Most padding is far below air and has become it by now; a copy with fewer bits or another sign has not
    padded = bool(padding.any())
    if padded and (values is not stored or max(np.multiply(pixels.padding, pixels.slope)) + pixels.intercept > AIR_HU):
        hu[padding] = AIR_HU
    repairs = {"padding": padded, "wrapped_negatives": wrapped, "values_beyond_bits_stored": beyond}
    return hu, tuple(name for name, is_made in repairs.items() if is_made)


def is_wrapped(values: np.ndarray, pixels: PixelFormat) -> bool:
    """True where negative values wrapped round in 12 unsigned bits: air then shows as values of 3072 and more.

    An unsigned file without a rescale intercept cannot hold air at all, so the outer frame of the picture tells.
    """
    if pixels.bits_stored != 12 or np.dtype(pixels.dtype).kind != "u" or pixels.intercept <= -100:
        return False
    rows, columns = values.shape
    frame = np.ones(values.shape, bool)
    frame[rows // 8 : rows - rows // 8, columns // 8 : columns - columns // 8] = False
    frame &= ~(_padding(values, pixels) | _wrapped_padding(values, pixels))
    counts = np.bincount(values[frame] >> 6) if frame.any() else np.zeros(1)  # bins of 64 values
    return bool(counts.argmax() >= WRAPPED_FROM >> 6)


def _padding(stored, pixels):
    if pixels.padding is None:
        return np.zeros((1, 1), bool)  # broadcast: nothing is padding
    low, high = pixels.padding
    return stored == low if low == high else (stored >= low) & (stored <= high)


def _wrapped_padding(stored, pixels):
    """Padding that wrapped round as well: the header's value modulo 4096, or one value in all four corners."""
    corners = {int(stored[row, column]) for row in (0, -1) for column in (0, -1)}
    wrapped = {value % 4096 for value in pixels.padding or ()}
    if len(corners) == 1 and 2048 <= min(corners) < WRAPPED_FROM:
        wrapped |= corners
    return np.isin(stored, list(wrapped))


def _own_bits(stored, pixels, padding):
    """(values without the bits above Bits Stored, PS3.5 8.1.1, the sign kept; whether these bits said anything).

    Old files keep overlays there, others values that the header leaves no room for: both are cut off alike.
    Raises Unusable where the bits stand at the upper end of the word.
    """
    unused = stored.dtype.itemsize * 8 - pixels.bits_stored
    if unused <= 0:
        return stored, False
    size = 1 << pixels.bits_stored
    lowest = -size // 2 if stored.dtype.kind == "i" else 0
    if stored.min() >= lowest and stored.max() < lowest + size:  # two quick looks spare two copies
        return stored, False
    if not (stored & (1 << unused) - 1).any():
        raise Unusable("misplaced_bits", f"the lowest {unused} bits of all words are empty, and the highest are not")
    values = (stored << unused) >> unused
    is_changed = (values != stored) & ~padding
    beyond = is_changed & ((stored < 0) | (stored >= size))
    return values, bool(beyond.any()) or _are_too_large(stored, values, is_changed & ~beyond, pixels)


def _are_too_large(stored, values, is_negated, pixels):
    """Whether words that became negative were large and not negative: a sign kept in fewer bits loses nothing.

    A file that draws a sign out to the unused bits does it for all negative values, and nothing lies far below air but
    one value of padding.
    """
    if not is_negated.any():
        return False
    below_air = values[is_negated & (values * pixels.slope + pixels.intercept < LOWEST_MEASURED_HU)]
    return bool((stored < 0).any() or (below_air.size and below_air.min() < below_air.max()))


def _rescaled(values, slope, intercept):
    """int16 HU, those of the air and above."""
    if slope != 1 or intercept != round(intercept):
        hu = np.rint(values.astype(np.float32) * slope + intercept)
    elif values.dtype.itemsize == 2 and abs(intercept) <= HIGHEST_HU:
        return _shifted(values, int(intercept))
    else:
        hu = values.astype(np.int64) + int(intercept)
    return np.clip(hu, AIR_HU, HIGHEST_HU).astype(np.int16)


def _shifted(values, intercept):
    """values + intercept within the limits of HU, in 16 bits throughout: limited first, so that nothing overflows."""
    word, ends = values.dtype.type, np.iinfo(values.dtype)  # as words: np.clip is slow with Python's numbers
    low, high = max(AIR_HU - intercept, ends.min), min(HIGHEST_HU - intercept, ends.max)
    limited = np.clip(values, word(low), word(high)).view(np.uint16)
    return np.add(limited, np.uint16(intercept % 2**16), out=limited).view(np.int16)
