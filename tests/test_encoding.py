"""Declared is one thing, written another: pixels are found in the encoding of value representations that is there."""

import zlib
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from ct_files import ct_slice, ct_study, enhanced, set_pixels
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset, write_file_meta_info
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from hohoho.dicom.reader import read_frames, read_hu
from hohoho.errors import Unusable

pytestmark = pytest.mark.filterwarnings("ignore:Expected:UserWarning")  # of pydicom, about the encoding
PREAMBLE = bytes(128) + b"DICM"
STORED = np.random.default_rng(0).integers(-1000, 2000, (48, 32), dtype=np.int16)
DECLARED = [ImplicitVRLittleEndian, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian]
WAYS = list(product(DECLARED, (False, True)))  # the last two are big endian


def picture(bits=16):
    image = ct_slice(1, 5.0)
    set_pixels(image, STORED if bits == 16 else (STORED >> 4).astype(np.uint8))
    image["PixelData"].VR = "OW" if bits == 16 else "OB"
    return image


def write(path: Path, image, declared, is_implicit, is_big=False):
    """The image in a file that declares one transfer syntax, its data set in an encoding of its own."""
    image.file_meta.TransferSyntaxUID = declared
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    meta, body = DicomBytesIO(), DicomBytesIO()
    write_file_meta_info(meta, image.file_meta)
    body.is_implicit_VR, body.is_little_endian = is_implicit, not is_big
    whole = image.file_meta
    del image.file_meta
    write_dataset(body, image)
    image.file_meta = whole
    content = body.getvalue()
    if declared.is_deflated:
        deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        content = deflater.compress(content) + deflater.flush()
    path.write_bytes(PREAMBLE + meta.getvalue() + content)
    return path


def with_elements(image, kind):
    """The image with something before its pixels."""
    if kind == "private":
        image.private_block(0x0043, "ACME", create=True).add_new(1, "OB", b"OW" * 50)
    elif kind == "sequence":
        image.ReferencedImageSequence = [ct_slice(2, 0.0)]
        del image.ReferencedImageSequence[0].PixelData, image.ReferencedImageSequence[0].file_meta
    elif kind == "undefined length":
        with_elements(image, "sequence")["ReferencedImageSequence"].is_undefined_length = True
    elif kind == "overlay":
        image.add_new(0x60003000, "OW", bytes(10))
    return image


@pytest.mark.parametrize(("declared", "is_implicit"), WAYS)
@pytest.mark.parametrize("kind", ["", "private", "sequence", "undefined length", "overlay"])
def test_pixels_are_read_as_they_are_written_whatever_is_declared(tmp_path, declared, is_implicit, kind):
    image, is_big = picture(), declared == ExplicitVRBigEndian
    image.PixelData = STORED.astype(">i2" if is_big else "<i2").tobytes()
    path = write(tmp_path / "file", with_elements(image, kind), declared, is_implicit, is_big)
    (header,) = read_frames(path)
    assert np.array_equal(read_hu(header), STORED) and header.repairs == ()


@pytest.mark.parametrize("declared", DECLARED[:3])
@pytest.mark.parametrize("is_implicit", [False, True])
def test_pictures_of_8_bits_and_frames_are_too(tmp_path, declared, is_implicit):
    path = write(tmp_path / "bytes", picture(bits=8), declared, is_implicit)
    assert np.array_equal(read_hu(read_frames(path)[0]), (STORED >> 4).astype(np.uint8))
    images = ct_study(3)
    for number, image in enumerate(images):
        set_pixels(image, STORED + number)
    whole = enhanced(images)
    whole["PixelData"].VR = "OW"
    frames = read_frames(write(tmp_path / "frames", whole, declared, is_implicit))
    assert all(np.array_equal(read_hu(frame), STORED + number) for number, frame in enumerate(frames))


@pytest.mark.parametrize("is_implicit", [False, True])
def test_compressed_pixels_are_too(tmp_path, is_implicit):
    image = picture()
    image.compress(RLELossless)
    path = write(tmp_path / "file", image, RLELossless, is_implicit)
    assert np.array_equal(read_hu(read_frames(path)[0]), STORED)


@pytest.mark.parametrize("declared", DECLARED)
@pytest.mark.parametrize("is_implicit", [False, True])
def test_the_other_byte_order_is_named_as_the_cause(tmp_path, declared, is_implicit):
    path = write(tmp_path / "file", picture(), declared, is_implicit, is_big=declared != ExplicitVRBigEndian)
    with pytest.raises(Unusable, match="byte order") as caught:
        read_frames(path)
    assert caught.value.reason == "no_elements"


@pytest.mark.parametrize(("declared", "is_implicit"), WAYS[:6])
def test_pixels_that_are_cut_off_are_still_refused(tmp_path, declared, is_implicit):
    image = picture()
    image.PixelData = image.PixelData[:-100]
    with pytest.raises(Unusable) as caught:
        read_frames(write(tmp_path / "file", image, declared, is_implicit))
    assert caught.value.reason == "truncated_pixels"


def test_each_frame_keeps_its_own_rescale_and_its_own_pixels(tmp_path):
    images = ct_study(3)
    for number, image in enumerate(images):
        set_pixels(image, STORED + number)
        image.RescaleSlope, image.RescaleIntercept = str(number + 1), str(-10 * number)
    whole = enhanced(images)
    whole["PixelData"].VR = "OW"
    frames = read_frames(write(tmp_path / "frames", whole, ExplicitVRLittleEndian, False))
    for number, frame in enumerate(frames):
        expected = (STORED.astype(int) + number) * (number + 1) - 10 * number
        assert np.array_equal(read_hu(frame), np.maximum(expected, -1024))


@pytest.mark.parametrize("side", [4, 48])  # the runs of a small picture are longer than the picture
@pytest.mark.parametrize("declared", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_compressed_pixels_that_are_declared_plain_are_named(tmp_path, side, declared):
    image = picture()
    set_pixels(image, STORED[:side, :side])
    image.compress(RLELossless)
    write(tmp_path / "file", image, declared, False)
    with pytest.raises(Unusable) as caught:
        read_frames(tmp_path / "file")
    assert caught.value.reason == "wrong_transfer_syntax"


@pytest.mark.parametrize("is_implicit", [False, True])
def test_plain_pixels_that_are_declared_compressed_are_named(tmp_path, is_implicit):
    write(tmp_path / "file", picture(), RLELossless, is_implicit)
    with pytest.raises(Unusable) as caught:
        read_hu(read_frames(tmp_path / "file")[0])
    assert caught.value.reason == "wrong_transfer_syntax"
