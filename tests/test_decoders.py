"""Compressed pictures: what the one decoder of their transfer syntax does not read exactly is refused."""

import random

import gdcm
import numpy as np
import pytest
from ct_files import ct_slice, save, set_pixels
from pydicom import dcmread
from pydicom.encaps import encapsulate, get_frame
from pydicom.pixels import get_decoder
from pydicom.uid import (
    JPEG2000,
    UID,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from hohoho.dicom.decoders import DECODERS
from hohoho.dicom.reader import MissingCodec, read_frames, read_hu
from hohoho.errors import Unusable

PLACES, SIDE = 200, 96
BY_PYDICOM = {JPEGLSLossless: {}, JPEGLSNearLossless: {"jls_error": 2}, JPEG2000Lossless: {}, RLELossless: {}}
BY_PYDICOM[JPEG2000] = {"j2k_cr": [4]}
BY_GDCM = [JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1]
LOSSY = {JPEGLSNearLossless: 2, JPEG2000: 60, JPEGBaseline8Bit: 60, JPEGExtended12Bit: 400}  # HU


def head(seed=0):
    """A noisy disc of soft tissue in air, SIDE pixels a side."""
    rng, (y, x) = np.random.default_rng(seed), np.indices((SIDE, SIDE)) - SIDE / 2
    return np.where(np.hypot(x, y) < SIDE / 3, 40, -1000) + rng.integers(-8, 9, (SIDE, SIDE))


def compressed(path, syntax, kind=np.int16):
    """A file of this transfer syntax, and the HU that were written."""
    image, hu = ct_slice(1, 5.0), head()
    if syntax in (JPEGBaseline8Bit, JPEGExtended12Bit):
        kind, image.RescaleSlope, image.RescaleIntercept = np.uint8, "5", "-1024"
        hu = (hu + 1024) // 5 * 5 - 1024
    stored = (hu - int(image.RescaleIntercept)) // int(image.RescaleSlope)
    set_pixels(image, stored.astype(kind))
    if syntax == JPEGExtended12Bit:
        image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 12, 11, 0
        image.PixelData = stored.astype("<u2").tobytes()
    if syntax in BY_PYDICOM:
        image.compress(syntax, **BY_PYDICOM[syntax])
        return save(image, path), hu
    image["PixelData"].VR = "OW" if image.BitsAllocated == 16 else "OB"
    compress_by_gdcm(save(image, path), syntax)
    return path, hu


def compress_by_gdcm(path, syntax):
    """The file again in JPEG, which pydicom does not write."""
    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    reader.SetFileName(str(path))
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(str(syntax))))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFileName(str(path))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()


def hu_of(path):
    return read_hu(read_frames(path)[0])


def outcome(path):
    """HU, or None where the file is refused."""
    try:
        return hu_of(path)
    except Unusable as unusable:
        assert unusable.reason in ("undecodable_pixels", "truncated_pixels", "wrong_coded_size", "too_large")
        return None


def with_frame(path, frame):
    """The file with another compressed frame."""
    image = dcmread(path)
    image.PixelData = encapsulate([bytes(frame)])
    image["PixelData"].VR = "OB"
    return save(image, path.with_name("changed"))


def frame_of(path):
    return bytearray(get_frame(dcmread(path).PixelData, 0, number_of_frames=1))


@pytest.mark.parametrize("syntax", [*BY_PYDICOM, *BY_GDCM], ids=lambda syntax: syntax.keyword)
def test_every_transfer_syntax_gives_back_the_hu_that_were_written(tmp_path, syntax, capfd):
    path, hu = compressed(tmp_path / "file", syntax)
    assert dcmread(path).file_meta.TransferSyntaxUID == syntax
    assert np.abs(hu_of(path) - np.maximum(hu, -1024)).max() <= LOSSY.get(syntax, 0)
    assert capfd.readouterr() == ("", "")


def changed_unseen(path, places, seed):
    """How many files with one byte damaged, at `places` of the compressed frame, are read and show something else."""
    whole, frame, dice, unseen = hu_of(path), frame_of(path), random.Random(seed), 0
    for at in places:
        damaged = frame.copy()
        damaged[at] ^= dice.randrange(1, 256)
        hu = outcome(with_frame(path, damaged))
        unseen += hu is not None and not np.array_equal(hu, whole)
    return unseen


def spread(places, count):
    return [places[len(places) * number // count] for number in range(count)]


@pytest.mark.parametrize("syntax", [JPEGLSLossless, JPEGLSNearLossless], ids=lambda syntax: syntax.keyword)
@pytest.mark.parametrize("seed", range(2))
def test_jpeg_ls_with_one_damaged_byte_is_refused_or_reads_the_same(tmp_path, syntax, seed):
    path, _ = compressed(tmp_path / "file", syntax)
    places = spread(range(len(frame_of(path))), PLACES)
    assert changed_unseen(path, places, seed) <= 0.01 * PLACES  # now and then the damage is another sound picture


@pytest.mark.parametrize("syntax", BY_GDCM, ids=lambda syntax: syntax.keyword)
def test_jpeg_with_a_damaged_header_is_refused_or_reads_on_without_a_word_of_libjpeg(tmp_path, syntax, capfd):
    path, _ = compressed(tmp_path / "file", syntax)
    frame, dice = frame_of(path), random.Random(0)
    for at in range(2, frame.index(b"\xff\xda") + 10):
        damaged = frame.copy()
        damaged[at] = dice.choice([0, 1, 2, 127, 128, 255])
        outcome(with_frame(path, damaged))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("syntax", [JPEGLossless, JPEGLosslessSV1], ids=lambda syntax: syntax.keyword)
def test_lossless_jpeg_with_too_many_or_too_few_coded_data_is_refused(tmp_path, syntax, capfd):
    path, _ = compressed(tmp_path / "file", syntax)
    frame, dice = frame_of(path), random.Random(0)
    for _ in range(40):
        at, size = dice.randrange(100, len(frame) - 400), dice.randrange(100, 300)
        piece = bytes(dice.randrange(255) for _ in range(size))
        assert outcome(with_frame(path, frame[:at] + frame[at + size :])) is None
        assert outcome(with_frame(path, frame[:at] + piece + frame[at:])) is None
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("syntax", BY_GDCM, ids=lambda syntax: syntax.keyword)
@pytest.mark.parametrize("marker", [b"\xff\xd9", b"\xff\xc4", b"\xff\xda", b"\xff\x01"])
def test_a_marker_among_the_coded_data_of_a_jpeg_is_refused(tmp_path, syntax, marker):
    path, _ = compressed(tmp_path / "file", syntax)
    frame = frame_of(path)
    for at in range(len(frame) // 2, len(frame) - 200, 333):
        assert outcome(with_frame(path, frame[:at] + marker + frame[at + 2 :])) is None


@pytest.mark.parametrize("syntax", BY_GDCM, ids=lambda syntax: syntax.keyword)
@pytest.mark.parametrize(("allocated", "stored"), [(8, 4), (8, 12), (16, 20), (32, 16)])
def test_a_jpeg_of_other_words_than_its_header_says_is_refused_and_ends_no_process(tmp_path, syntax, allocated, stored):
    path, _ = compressed(tmp_path / "file", syntax)
    image = dcmread(path)
    image.BitsAllocated, image.BitsStored, image.HighBit = allocated, stored, stored - 1
    is_read = outcome(save(image, path)) is not None
    assert is_read == (syntax == JPEGBaseline8Bit and (allocated, stored) == (8, 4))  # fewer bits of the same words


def run_starts(frame):
    """Places of the bytes that say how long a run is (PS3.5 G.3.2), in the two segments of a frame of words."""
    first, second = (int.from_bytes(frame[at : at + 4], "little") for at in (4, 8))
    for at, end in ((first, second - 1), (second, len(frame) - 1)):
        while at < end:
            yield at
            at += frame[at] + 2 if frame[at] < 128 else 2


def test_run_lengths_that_do_not_come_to_the_picture_are_refused(tmp_path):
    path, _ = compressed(tmp_path / "file", RLELossless)
    starts = list(run_starts(frame_of(path)))
    assert changed_unseen(path, spread(starts, PLACES), 0) <= 0.02 * PLACES  # some damaged lengths add up by chance


@pytest.mark.parametrize("padding", [b"", b"\0", b"\0\0", b"\x80\0"])
def test_run_lengths_with_padding_behind_them_are_read(tmp_path, padding):
    path, hu = compressed(tmp_path / "file", RLELossless)
    assert np.array_equal(hu_of(with_frame(path, frame_of(path) + padding)), hu)


@pytest.mark.parametrize("syntax", DECODERS, ids=lambda syntax: syntax.keyword)
def test_every_decoder_that_is_named_is_installed_and_known_to_pydicom(syntax):
    assert DECODERS[syntax].plugin in get_decoder(syntax).available_plugins


@pytest.mark.parametrize("syntax", [JPEG2000, HTJ2KLossless, JPEGLSLossless, JPEGLosslessSV1])
def test_a_missing_decoder_is_named_by_the_package_that_brings_it(tmp_path, monkeypatch, syntax):
    image = ct_slice(1, 5.0)
    image.file_meta.TransferSyntaxUID = syntax
    image.PixelData, image["PixelData"].VR = encapsulate([b"\xff\xd8\xff\xd9"]), "OB"
    monkeypatch.setattr("pydicom.pixels.decoders.base.Decoder.available_plugins", ())
    with pytest.raises(MissingCodec, match=f"{syntax.name[:20]}.*pip install {DECODERS[syntax].packages}"):
        read_frames(save(image, tmp_path / "file"))


def test_a_compressed_syntax_without_a_decoder_of_its_own_is_refused(tmp_path):
    image = ct_slice(1, 5.0)
    image.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.4.92")  # JPEG 2000 multi-component
    image.PixelData, image["PixelData"].VR = encapsulate([b"\xff\xd8\xff\xd9"]), "OB"
    with pytest.raises(Unusable, match="not read"):
        read_frames(save(image, tmp_path / "file"))
