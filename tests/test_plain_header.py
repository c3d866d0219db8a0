"""Headers scanned by hand: the same as pydicom's wherever they are scanned at all, left to pydicom everywhere else."""

import io

import numpy as np
import pydicom
import pytest
from ct_files import ct_slice, save
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from hohoho.dicom import reader as dicom
from hohoho.dicom.plain_header import plain_header
from hohoho.dicom.reader import read_frames
from hohoho.dicom.tags import TAGS


@pytest.fixture
def image():
    image = ct_slice(1, 5.0)
    image.add_new("PixelPaddingValue", "SS", -2000)
    image.ReferencedImageSequence = [Dataset()]
    image.private_block(0x0043, "ACME", create=True).add_new(1, "OB", bytes(100))
    return image


def scanned(path):
    with path.open("rb") as file:
        header = plain_header(file, TAGS)
        return header, file.tell()


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_every_element_and_the_place_of_the_pixels_are_those_that_pydicom_finds(image, tmp_path, syntax):
    image.file_meta.TransferSyntaxUID = syntax
    path = save(image, tmp_path / "file")
    header, pixels = scanned(path)
    with path.open("rb") as file:
        expected = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=TAGS)
        assert pixels == file.tell()
    meta = expected.file_meta
    assert (header.media_class, header.syntax) == (meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID)
    assert header.order == "<" and expected.original_encoding[1]
    wanted = {tag for tag in TAGS if tag in expected}
    assert wanted == set(header.elements) and len(wanted) > 20
    assert all(header.raw(tag) == (expected.get_item(tag).value or b"") for tag in wanted)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_slices_read_by_hand_and_by_pydicom_are_one_and_the_same(image, tmp_path, syntax, monkeypatch):
    image.file_meta.TransferSyntaxUID = syntax
    path = save(image, tmp_path / "file")
    by_hand = read_frames(path)[0]
    monkeypatch.setattr(dicom, "plain_header", lambda *_: None)
    assert repr(read_frames(path)[0]) == repr(by_hand)


def big_endian(image):
    image.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    image["PixelData"].VR = "OW"


def undefined_length(image):
    image["ReferencedImageSequence"].is_undefined_length = True


def long_header(image):
    image.private_block(0x0043, "ACME").add_new(2, "OB", bytes(40_000))


def frames(image):
    image.PerFrameFunctionalGroupsSequence = Sequence([Dataset()])


@pytest.mark.parametrize("unusual", [big_endian, undefined_length, long_header, frames])
def test_what_is_written_in_an_unusual_way_is_left_to_pydicom(image, tmp_path, unusual):
    unusual(image)
    path = save(image, tmp_path / "file")
    assert scanned(path) == (None, 0)
    assert read_frames(path)[0].study_uid == "1.2.3"


def test_tags_out_of_order_are_left_to_pydicom(image, tmp_path):
    path = save(image, tmp_path / "file")
    whole = path.read_bytes()
    at = whole.index(b"\x10\x00\x20\x00LO")  # Patient ID
    element = whole[at : at + 10]
    path.write_bytes(whole.replace(element, b"").replace(b"\x28\x00\x10\x00US", element + b"\x28\x00\x10\x00US"))
    assert scanned(path) == (None, 0)
    assert read_frames(path)[0].patient_id == "P1"


def test_no_cut_and_no_damage_makes_it_fail(image, tmp_path):
    whole = save(image, tmp_path / "file").read_bytes()
    header_bytes = len(whole) - len(image.PixelData)
    rng = np.random.default_rng(0)
    for length in range(header_bytes):
        assert plain_header(io.BytesIO(whole[:length]), TAGS) is None or length > header_bytes - 10
    for _ in range(2000):
        damaged = np.frombuffer(whole, np.uint8).copy()
        damaged[rng.integers(0, header_bytes, 3)] = rng.integers(0, 256, 3)
        plain_header(io.BytesIO(damaged.tobytes()), TAGS)
