"""DICOM CT files → slice headers and Hounsfield units. The only reading room that knows pydicom."""

import logging
import warnings
from pathlib import Path

import numpy as np
import pydicom
from pydicom.encaps import get_frame
from pydicom.errors import InvalidDicomError
from pydicom.pixels import get_decoder, pixel_array
from pydicom.uid import UID, RLELossless

from hohoho.codestream import check_frame, check_run_lengths
from hohoho.dicom_stream import BoundedStream, open_dicom
from hohoho.dicom_values import Values
from hohoho.errors import InputError
from hohoho.frames import frame_values
from hohoho.hounsfield import to_hu
from hohoho.scan import Unusable
from hohoho.slice_header import (
    TAGS,
    SliceHeader,
    check_kind,
    is_multi_frame,
    pixel_format,
    rescale,
    slice_header,
    upright,
)

# What pydicom warns of and logs quotes values, private ones too.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
logging.getLogger("pydicom").setLevel(logging.CRITICAL)
warnings.filterwarnings("ignore", category=UserWarning, module=r"pydicom\.")

FIRST_GROUPS = (b"\x02\x00", b"\x08\x00", b"\x00\x08")  # how a DICOM file without its preamble begins
UNDEFINED_LENGTH = 0xFFFFFFFF
OWN_DECODER = "pydicom"  # of run lengths; the other one ends the process where they are damaged
TRAILING_GROUPS = (0xFFFA, 0xFFFC)  # digital signatures and padding may follow the pixels (PS3.5 7.2)


class MissingCodec(InputError):
    """The files are sound, but this installation has no decoder for them."""


def read_header(path: str | Path, assumed_rescale: tuple[float, float] | None = None) -> SliceHeader:
    """SliceHeader of a single image, as `read_frames` reads it."""
    return read_frames(path, assumed_rescale)[0]


def read_frames(path: str | Path, assumed_rescale: tuple[float, float] | None = None) -> list[SliceHeader]:
    """SliceHeader of the CT image, or of each of its frames; no pixel is read.

    assumed_rescale: (slope, intercept) for files without Rescale Slope and Intercept (0028,1053/1052), which are
    otherwise refused. Raises Unusable, with its own reason for everything that is no usable CT image, and
    MissingCodec.
    """
    with open_dicom(path) as (stream, is_deflated):
        dataset, is_forced = _read_dataset(stream, path)
        meta = getattr(dataset, "file_meta", {})
        is_implicit, is_little_endian = dataset.original_encoding
        values, media_class = Values(dataset, is_little_endian), str(meta.get("MediaStorageSOPClassUID", ""))
        check_kind(values, media_class, path)
        frames = _frames(values, path) if is_multi_frame(values, media_class) else [values]
        syntax = UID(str(meta.get("TransferSyntaxUID", "")))
        headers = [_header(path, each, assumed_rescale, str(syntax)) for each in frames]
        repairs = ("no_preamble",) * is_forced
        if frames != [values]:
            headers = [header._replace(frame=i, instance=i + 1) for i, header in enumerate(headers)]
            repairs += ("multi_frame",)
        if syntax.is_transfer_syntax and syntax.is_compressed:
            _check_decoder(syntax, path)
        else:
            offset, trailing = _pixel_offset(stream, headers, is_implicit, path)
            repairs += trailing
            headers = headers if is_deflated else _with_offsets(headers, offset)
    return [headers[0]._replace(repairs=headers[0].repairs + repairs), *headers[1:]]


def read_slice(header: SliceHeader) -> tuple[np.ndarray, tuple[str, ...]]:
    """((rows, columns) int16 in HU, repairs made). Padding and everything below it end at -1024 HU.

    Raises Unusable where pixels are missing, cannot be decoded or all have one value: nothing is ever filled in.
    """
    hu, repairs = _hu_and_repairs(header)
    if hu.min() == hu.max():
        raise Unusable("constant", f"{header.path}: every pixel has the same value")
    return hu, repairs


def read_hu(header: SliceHeader) -> np.ndarray:
    """(rows, columns) int16 in HU, whatever they show. Raises Unusable where pixels are missing or undecodable."""
    return _hu_and_repairs(header)[0]


def _hu_and_repairs(header):
    stored = _read_stored(header) if header.pixels.offset is not None else _decode(header)
    return to_hu(stored, header.pixels)


def _read_dataset(stream, path):
    """The data set up to its pixels, and whether it was forced for want of the 128-byte preamble (PS3.10 7.1)."""
    try:
        try:
            return pydicom.dcmread(stream, stop_before_pixels=True, specific_tags=TAGS), False
        except InvalidDicomError:
            stream.seek(0)
            if stream.read(2) not in FIRST_GROUPS:
                raise
            stream.seek(0)
            return pydicom.dcmread(stream, stop_before_pixels=True, specific_tags=TAGS, force=True), True
    except InvalidDicomError as error:
        raise Unusable("not_dicom", f"{path}: not a DICOM file") from error
    except Exception as error:  # pydicom raises nearly everything on damage: each is reported, none hidden
        raise Unusable("damaged_header", f"{path}: damaged DICOM header ({type(error).__name__})") from error


def _frames(values, path):
    try:
        return frame_values(values, path)
    except Unusable:
        raise
    except Exception as error:  # sequences are parsed here, and damaged ones as above
        raise Unusable("damaged_header", f"{path}: damaged frame descriptions ({type(error).__name__})") from error


def _header(path, values, assumed_rescale, syntax):
    """SliceHeader of one image or frame, its pixels not looked for yet."""
    slope, intercept, rescaled = rescale(values, assumed_rescale, path)
    pixels, inverted, warnings = upright(pixel_format(values, slope, intercept, path), values)
    return slice_header(path, values, pixels, rescaled + inverted, warnings, syntax)


def _check_decoder(syntax, path):
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError as error:
        raise Unusable("undecodable_pixels", f"{path}: stored as {syntax.name}, which is no picture") from error
    if not decoder.is_available:
        raise MissingCodec(
            f"pixels are stored as {syntax.name}, for which no decoder is installed. "
            "`uv sync --extra codecs` brings one."
        )


def _pixel_offset(stream: BoundedStream, headers, is_implicit, path):
    """(byte at which native pixels begin, repairs); the stream has stopped at (7FE0,0010), PS3.5 7.1."""
    pixels = headers[0].pixels
    order = "little" if pixels.dtype[0] == "<" else "big"
    at = stream.tell()
    element = stream.read(12)
    if _tag(element, order) != 0x7FE00010:
        raise Unusable("no_pixels", f"{path}: no Pixel Data (7FE0,0010)")
    offset = at + (8 if is_implicit else 12)
    length = int.from_bytes(element[4:8] if is_implicit else element[8:], order)
    needed, left = _frame_bytes(pixels) * len(headers), stream.length() - offset
    if left < needed or length < needed:
        raise Unusable("truncated_pixels", f"{path}: {max(min(left, length), 0)} of {needed} bytes of pixel data")
    stream.seek(offset + length)
    follows = _tag(stream.read(4), order) >> 16
    is_data = follows in TRAILING_GROUPS or (follows > 0x7FE0 and follows % 2)  # or private: their groups are odd
    is_longer = UNDEFINED_LENGTH != length > needed + needed % 2
    return offset, ("trailing_bytes",) if is_longer or (follows and not is_data) else ()


def _tag(element, order):
    return int.from_bytes(element[:2], order) << 16 | int.from_bytes(element[2:4], order)


def _frame_bytes(pixels):
    return pixels.rows * pixels.columns * np.dtype(pixels.dtype).itemsize


def _with_offsets(headers, offset):
    return [
        header._replace(pixels=header.pixels._replace(offset=offset + number * _frame_bytes(header.pixels)))
        for number, header in enumerate(headers)
    ]


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
        with open_dicom(header.path) as (stream, is_deflated):
            stored = pixel_array(stream, index=header.frame) if is_deflated else _decompressed(stream, header)
    except Unusable:
        raise
    except Exception as error:  # decoders raise nearly everything on damage: each is reported, none hidden
        detail = f"{header.path}: pixel data cannot be decoded ({type(error).__name__})"
        raise Unusable("undecodable_pixels", detail) from error
    if stored.shape != (header.pixels.rows, header.pixels.columns):
        raise Unusable("undecodable_pixels", f"{header.path}: decoded to {stored.shape}, not to its header's size")
    return stored


def _decompressed(stream, header):
    """The decoded frame, once it is sure to be a picture of the header's size."""
    dataset = pydicom.dcmread(stream, stop_before_pixels=True, specific_tags=["NumberOfFrames"], force=True)
    stream.seek(stream.tell() + 12)  # (7FE0,0010) OB, undefined length
    frame = get_frame(stream, header.frame, number_of_frames=int(dataset.get("NumberOfFrames") or 1))
    stream.seek(0)
    if dataset.file_meta.TransferSyntaxUID == RLELossless:
        check_run_lengths(frame, header.path)
        return pixel_array(stream, index=header.frame, decoding_plugin=OWN_DECODER)
    check_frame(frame, header.pixels.rows, header.pixels.columns, header.path)
    return pixel_array(stream, index=header.frame)
