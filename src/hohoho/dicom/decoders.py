"""Compressed pixels: one decoder for each transfer syntax. What it refuses is refused: no other one is asked."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import pydicom
from pydicom import uid
from pydicom.encaps import encapsulate, get_frame
from pydicom.pixels import get_decoder

from hohoho.dicom import native_pixels
from hohoho.dicom.codestream import check_frame, check_run_lengths
from hohoho.dicom.header import SliceHeader
from hohoho.dicom.jpeg import check_jpeg, fills
from hohoho.dicom.stream import open_dicom
from hohoho.errors import Unusable, damage_as


class Decoder(NamedTuple):
    """`plugin`: pydicom's name for it. `packages`: what brings it."""

    plugin: str
    packages: str


GDCM = Decoder("gdcm", "python-gdcm")
CHARLS = Decoder("pyjpegls", "pyjpegls")
OPENJPEG = Decoder("pylibjpeg", "pylibjpeg pylibjpeg-openjpeg")
PYDICOM = Decoder("pydicom", "pydicom")
DECODERS = {
    **dict.fromkeys(uid.JPEGTransferSyntaxes, GDCM),
    **dict.fromkeys(uid.JPEGLSTransferSyntaxes, CHARLS),
    **dict.fromkeys((uid.JPEG2000Lossless, uid.JPEG2000), OPENJPEG),
    **dict.fromkeys((uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K), OPENJPEG),
    uid.RLELossless: PYDICOM,
}
DAMAGE = (b"Corrupt JPEG data", b"Premature end of JPEG")  # libjpeg's words; it then goes on with pixels of its own


def decode(header: SliceHeader) -> np.ndarray:
    """(rows, columns) stored values of a compressed, or deflated, frame. Raises Unusable where it is damaged."""
    pixels, path = header.pixels, header.path
    with damage_as("undecodable_pixels", f"{path}: not decodable"), open_dicom(path) as (stream, is_deflated):
        dataset = pydicom.dcmread(stream, stop_before_pixels=True, specific_tags=["NumberOfFrames"], force=True)
        if is_deflated:
            offsets, _ = native_pixels.native_offsets(stream, pixels, header.frame + 1, path)
            return native_pixels.native_values(stream, pixels, offsets[-1])
        _, offset, length = native_pixels.element_header(stream, "little")
        if length != native_pixels.UNDEFINED_LENGTH and not native_pixels.starts_with_item(stream, offset):
            raise Unusable("wrong_transfer_syntax", f"{path}: not compressed as its transfer syntax says")
        stream.seek(offset)
        frame = get_frame(stream, header.frame, number_of_frames=int(dataset.get("NumberOfFrames") or 1))
        return _decompressed(frame, dataset.file_meta.TransferSyntaxUID, header)


def _decompressed(frame, syntax, header):
    """The decoded frame, once it is sure to be a picture of the header's size."""
    pixels = header.pixels
    if syntax == uid.RLELossless:
        check_run_lengths(frame, pixels.rows * pixels.columns, header.path)
    else:
        check_frame(frame, pixels.rows, pixels.columns, header.path)
    if DECODERS[syntax] is not GDCM:
        return _decoded(frame, syntax, pixels)
    lossless = check_jpeg(frame, np.dtype(pixels.dtype).itemsize * 8, header.path)
    coded = pixels._replace(bits_stored=max(pixels.bits_stored, 8))  # at fewer, GDCM ends the process
    with _libjpeg_watched(header.path):
        # GDCM goes by the frame itself; told that it is JPEG Extended, pydicom refuses its 12 bits
        stored = _decoded(frame, uid.JPEGLossless, coded, correct_unused_bits=False)
    if lossless and not fills(lossless, stored):
        raise Unusable("undecodable_pixels", f"{header.path}: its picture does not take the coded bits")
    return stored


def _decoded(frame, syntax, pixels, **options):
    """Whatever its decoder makes of one frame."""
    dtype = np.dtype(pixels.dtype)
    stored, _ = get_decoder(syntax).as_array(
        encapsulate([frame]),
        decoding_plugin=DECODERS[syntax].plugin,
        number_of_frames=1,
        rows=pixels.rows,
        columns=pixels.columns,
        samples_per_pixel=1,
        photometric_interpretation="MONOCHROME2",
        bits_allocated=dtype.itemsize * 8,
        bits_stored=pixels.bits_stored,
        pixel_representation=int(dtype.kind == "i"),
        **options,
    )
    return stored


@contextmanager
def _libjpeg_watched(path: str) -> Iterator[None]:
    """Raises Unusable where libjpeg tells of damage: it does so on standard error alone, and fills in what is lost."""
    with tempfile.TemporaryFile() as said:
        standard_error = os.dup(2)
        os.dup2(said.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(standard_error, 2)
            os.close(standard_error)
        said.seek(0)
        words = said.read()
    if any(damage in words for damage in DAMAGE):
        raise Unusable("undecodable_pixels", f"{path}: damaged JPEG data")
