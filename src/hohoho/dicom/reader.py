"""DICOM CT files → slice headers and Hounsfield units. Only the files beside it know pydicom as well."""

import logging
import warnings
from pathlib import Path

import numpy as np
import pydicom
from pydicom.errors import InvalidDicomError
from pydicom.pixels import get_decoder
from pydicom.uid import UID

from hohoho.dicom.decoders import DECODERS, decode
from hohoho.dicom.frames import frame_values, raw_elements
from hohoho.dicom.header import SliceHeader, slice_header
from hohoho.dicom.hounsfield import to_hu
from hohoho.dicom.image_kind import MULTI_FRAME_CT, check_kind
from hohoho.dicom.native_pixels import native_offsets, read_native
from hohoho.dicom.pixel_format import normalize_photometric, pixel_format, rescale
from hohoho.dicom.plain_header import plain_header
from hohoho.dicom.standing import stand, turned
from hohoho.dicom.stream import open_dicom
from hohoho.dicom.tags import STUDY_UID, TAGS
from hohoho.dicom.values import Values
from hohoho.errors import InputError, Unusable, damage_as

# What pydicom warns of and logs quotes values, private ones too.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
logging.getLogger("pydicom").setLevel(logging.CRITICAL)
warnings.filterwarnings("ignore", category=UserWarning, module=r"pydicom\.")

FIRST_GROUPS = (b"\x02\x00", b"\x08\x00", b"\x00\x08")  # how a DICOM file without its preamble begins
GLANCE = 16  # pixels between those that are looked at first


class MissingCodec(InputError):
    """The files are sound, but this installation has no decoder for them."""


def read_frames(path: str | Path, assumed_rescale: tuple[float, float] | None = None) -> list[SliceHeader]:
    """SliceHeader of the CT image, or of each of its frames; no pixel is read.

    assumed_rescale: (slope, intercept) for files without Rescale Slope and Intercept (0028,1053/1052), which are
    otherwise refused. Raises Unusable, with its own reason for everything that is no usable CT image, and
    MissingCodec.
    """
    with open_dicom(path) as (stream, is_deflated):
        values, is_forced = _read_values(stream, path)
        try:
            return _frame_headers(stream, is_deflated, is_forced, values, assumed_rescale, path)
        except Unusable as unusable:
            unusable.study = values.text(STUDY_UID) or None
            raise


def _frame_headers(stream, is_deflated, is_forced, values, assumed_rescale, path):
    check_kind(values, path)
    is_many = values.sop_class in MULTI_FRAME_CT
    with damage_as("damaged_header", f"{path}: damaged frame descriptions"):  # sequences are parsed here
        frames = frame_values(values, path) if is_many else [values]
    headers = [_header(path, frame, assumed_rescale) for frame in frames]
    repairs = ("no_preamble",) * is_forced + ("multi_frame",) * is_many
    if is_many:
        headers = [header._replace(frame=i, instance=i + 1) for i, header in enumerate(headers)]
    syntax = UID(values.syntax)
    if syntax.is_transfer_syntax and syntax.is_compressed:
        _check_decoder(syntax, path)
    else:
        offsets, trailing = native_offsets(stream, headers[0].pixels, len(headers), path)
        repairs += trailing
        if not is_deflated:
            pixels = [header.pixels._replace(offset=at) for header, at in zip(headers, offsets, strict=True)]
            headers = [header._replace(pixels=each) for header, each in zip(headers, pixels, strict=True)]
    if repairs:
        headers[0] = headers[0]._replace(repairs=headers[0].repairs + repairs)
    return headers


def read_slice(header: SliceHeader) -> tuple[np.ndarray, tuple[str, ...]]:
    """((rows, columns) int16 in HU, front up; repairs made). Padding and everything below it end at -1024 HU.

    Raises Unusable where pixels are missing, cannot be decoded or all have one value: nothing is ever filled in.
    """
    hu, repairs = _hu_and_repairs(header)
    if (hu[::GLANCE, ::GLANCE] == hu[0, 0]).all() and (hu == hu[0, 0]).all():
        raise Unusable("constant", f"{header.path}: every pixel has the same value")
    return hu, repairs


def read_hu(header: SliceHeader) -> np.ndarray:
    """As `read_slice`, whatever the picture shows. Raises Unusable where pixels are missing or undecodable."""
    return _hu_and_repairs(header)[0]


def _hu_and_repairs(header):
    is_native = header.pixels.offset is not None
    stored = read_native(header.path, header.pixels) if is_native else decode(header)
    hu, repairs = to_hu(stored, header.pixels)
    return (turned(hu, header.turn) if header.turn else hu), repairs


def _read_values(stream, path):
    """Values of the header up to its pixels, and whether the 128-byte preamble was missing (PS3.10 7.1)."""
    with damage_as("damaged_header", f"{path}: damaged DICOM header"):
        if (values := plain_header(stream, TAGS)) is not None:
            return values, False
        options, is_forced = {"stop_before_pixels": True, "specific_tags": TAGS}, False
        try:
            dataset = pydicom.dcmread(stream, **options)
        except InvalidDicomError as error:
            stream.seek(0)
            if stream.read(2) not in FIRST_GROUPS:
                raise Unusable("not_dicom", f"{path}: not a DICOM file") from error
            stream.seek(0)
            dataset, is_forced = pydicom.dcmread(stream, force=True, **options), True
        meta, order = getattr(dataset, "file_meta", {}), "<" if dataset.original_encoding[1] else ">"
        media_class, syntax = (str(meta.get(name, "")) for name in ("MediaStorageSOPClassUID", "TransferSyntaxUID"))
        return Values(raw_elements(dataset), order, media_class, syntax), is_forced


def _header(path, values, assumed_rescale):
    """SliceHeader of one image or frame, its pixels not looked for yet."""
    slope, intercept, rescaled = rescale(values, assumed_rescale, path)
    pixels, inverted, warnings = normalize_photometric(pixel_format(values, slope, intercept, path), values)
    return stand(slice_header(path, values, pixels, rescaled + inverted, warnings))


def _check_decoder(syntax: UID, path: str) -> None:
    """Raises Unusable where a compressed transfer syntax is no picture, MissingCodec where its decoder is missing."""
    if syntax not in DECODERS:
        raise Unusable("undecodable_pixels", f"{path}: stored as {syntax.name}, which is not read")
    decoder = DECODERS[syntax]
    if decoder.plugin not in get_decoder(syntax).available_plugins:
        raise MissingCodec(
            f"pixels are stored as {syntax.name}, for which no decoder is installed. "
            f"`uv sync --extra codecs` or `pip install {decoder.packages}` brings it."
        )
