"""DICOM CT files → slice headers and Hounsfield units. The only reading room that knows pydicom."""

import os
import stat
from pathlib import Path

import numpy as np
import pydicom
from pydicom.errors import InvalidDicomError
from pydicom.pixels import get_decoder
from pydicom.uid import UID

from hohoho.dicom_values import Values
from hohoho.errors import InputError
from hohoho.hounsfield import to_hu
from hohoho.plain_header import plain_header
from hohoho.scan import Unusable
from hohoho.slice_header import TAGS, SliceHeader, check_kind, pixel_format, rescale, slice_header

pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE  # its warnings quote values: private ones too
FIRST_GROUPS = (b"\x02\x00", b"\x08\x00", b"\x00\x08")  # how a DICOM file without its preamble begins


class MissingCodec(InputError):
    """The files are sound, but this installation has no decoder for them."""


def read_header(path: str | Path, assumed_rescale: tuple[float, float] | None = None) -> SliceHeader:
    """SliceHeader of a single-frame CT image; no pixel is read.

    assumed_rescale: (slope, intercept) for files without Rescale Slope and Intercept (0028,1053/1052), which are
    otherwise refused. Raises Unusable, with its own reason for everything that is no usable CT image, and
    MissingCodec.
    """
    with _open(path) as file:
        dataset, forced = _read_dataset(file, path)
        meta = getattr(dataset, "file_meta", {})
        values = Values(dataset, dataset.original_encoding[1])
        check_kind(values, str(meta.get("MediaStorageSOPClassUID", "")), path)
        slope, intercept, repairs = rescale(values, assumed_rescale, path)
        pixels = pixel_format(values, slope, intercept, path)
        syntax = UID(str(meta.get("TransferSyntaxUID", "")))
        if _needs_decoder(syntax):
            _check_decoder(syntax, path)
        else:
            offset = _pixel_offset(file, pixels, dataset.original_encoding[0], path)
            pixels = pixels._replace(offset=offset)
    return slice_header(path, values, pixels, repairs + (("no_preamble",) if forced else ()), ())


def read_slice(header: SliceHeader) -> tuple[np.ndarray, tuple[str, ...]]:
    """((rows, columns) int16 in HU, repairs made). Padding and everything below it end at -1024 HU.

    Raises Unusable where pixels are missing, cannot be decoded or all have one value: nothing is ever filled in.
    """
    hu, repairs = _hu_and_repairs(header)
    if (hu == hu[0, 0]).all():
        raise Unusable("constant", f"{header.path}: every pixel has the same value")
    return hu, repairs


def read_hu(header: SliceHeader) -> np.ndarray:
    """(rows, columns) int16 in HU, whatever they show. Raises Unusable where pixels are missing or undecodable."""
    return _hu_and_repairs(header)[0]


def _hu_and_repairs(header):
    stored = _read_stored(header) if header.pixels.offset is not None else _decode(header)
    return to_hu(stored, header.pixels)


def _open(path):
    try:
        status = os.stat(path)  # noqa: PTH116 - a Path for each of 750,000 files is dearer than the call
        if not stat.S_ISREG(status.st_mode):
            raise Unusable("not_a_file", f"{path}: not a regular file")
        if status.st_size == 0:
            raise Unusable("empty_file", f"{path}: zero bytes")
        return Path(path).open("rb")
    except OSError as error:
        raise Unusable("unreadable", f"{path}: {error.strerror}") from error


def _read_dataset(file, path):
    """The data set up to its pixels, and whether it was forced for want of the 128-byte preamble (PS3.10 7.1)."""
    try:
        if (header := plain_header(file, TAGS)) is not None:
            return header, False
        try:
            return pydicom.dcmread(file, stop_before_pixels=True, specific_tags=TAGS), False
        except InvalidDicomError:
            file.seek(0)
            if file.read(2) not in FIRST_GROUPS:
                raise
            file.seek(0)
            return pydicom.dcmread(file, stop_before_pixels=True, specific_tags=TAGS, force=True), True
    except InvalidDicomError as error:
        raise Unusable("not_dicom", f"{path}: not a DICOM file") from error
    except Exception as error:  # pydicom raises nearly everything on damage: each is reported, none hidden
        raise Unusable("damaged_header", f"{path}: damaged DICOM header ({type(error).__name__})") from error


def _needs_decoder(syntax):
    return syntax.is_transfer_syntax and (syntax.is_compressed or syntax.is_deflated)


def _check_decoder(syntax, path):
    if not syntax.is_deflated and not get_decoder(syntax).is_available:
        raise MissingCodec(
            f"{path}: its pixels are stored as {syntax.name}, for which no decoder is installed. "
            "`uv sync --extra codecs` brings one."
        )


def _pixel_offset(file, pixels, is_implicit, path):
    """Byte at which native pixel data begin: the reader has stopped at the element (7FE0,0010), PS3.5 7.1."""
    order = "little" if pixels.dtype[0] == "<" else "big"
    at = file.tell()
    element = file.read(12)
    tag = int.from_bytes(element[:2], order) << 16 | int.from_bytes(element[2:4], order)
    if tag != 0x7FE00010:
        raise Unusable("no_pixels", f"{path}: no Pixel Data (7FE0,0010)")
    offset = at + (8 if is_implicit else 12)
    needed = pixels.rows * pixels.columns * np.dtype(pixels.dtype).itemsize
    left = os.fstat(file.fileno()).st_size - offset
    if left < needed:
        raise Unusable("truncated_pixels", f"{path}: {max(left, 0)} of {needed} bytes of pixel data")
    return offset


def _read_stored(header):
    pixels = header.pixels
    try:
        stored = np.fromfile(header.path, pixels.dtype, pixels.rows * pixels.columns, offset=pixels.offset)
    except OSError as error:
        raise Unusable("unreadable", f"{header.path}: {error.strerror}") from error
    if len(stored) < pixels.rows * pixels.columns:
        raise Unusable("truncated_pixels", f"{header.path}: the pixel data end too early")
    stored = stored.reshape(pixels.rows, pixels.columns)
    return stored.astype(stored.dtype.newbyteorder("="), copy=False)


def _decode(header):
    try:
        stored = pydicom.dcmread(header.path, force=True).pixel_array
    except Exception as error:  # decoders raise nearly everything on damage: each is reported, none hidden
        detail = f"{header.path}: pixel data cannot be decoded ({type(error).__name__})"
        raise Unusable("undecodable_pixels", detail) from error
    if stored.shape != (header.pixels.rows, header.pixels.columns):
        raise Unusable("undecodable_pixels", f"{header.path}: decoded to {stored.shape}, not to its header's size")
    return stored
