"""Defects 19 to 26, 33 and 34: how files are written, what cannot be read, what would fill the memory."""

import io
import os

import numpy as np
import pytest
from ct_files import SIDE, ct_slice, dicom_directory, save, save_all, set_pixels
from defects import KEY, SLICES, TOP, assert_treated, defects_in, good_study, run
from inventories import find
from pydicom.encaps import encapsulate
from pydicom.pixels import get_encoder
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from hohoho.check.report import check
from hohoho.dicom import stream
from hohoho.errors import InputError
from hohoho.pseudonyms import pseudonym

DEFECTS = []
defect = defects_in(DEFECTS)


# How files are written


def compress(images, syntax):
    if syntax.is_deflated:
        for image in images:
            image.file_meta.TransferSyntaxUID = syntax
        return
    assert get_encoder(syntax).is_available, "uv run brings the encoders"
    for image in images:
        image.compress(syntax, generate_instance_uid=False)


@pytest.mark.parametrize(
    "syntax",
    [DeflatedExplicitVRLittleEndian, RLELossless, JPEGLSLossless, JPEG2000Lossless],
    ids=lambda syntax: syntax.keyword,
)
def test_19_compressed_files_give_the_same_hu_and_an_empty_report(folder, syntax):
    images = good_study()
    _, expected, _ = run(images, folder)
    compress(images, syntax)
    lines, slices, _ = run(images, folder)
    assert lines.empty
    assert slices["pixel_hash"].tolist() == expected["pixel_hash"].tolist()


@defect(19, None, None)
def big_endian(images, folder):
    stored = np.frombuffer(images[TOP].PixelData, np.int16).astype(">i2")
    images[TOP].PixelData = stored.tobytes()
    images[TOP]["PixelData"].VR = "OW"
    images[TOP].file_meta.TransferSyntaxUID = ExplicitVRBigEndian


@defect(19, "warned", "lossy_compression")
def lossy_compression(images, folder):
    images[TOP].LossyImageCompression = "01"


def test_19_a_lossy_transfer_syntax_is_warned_of_without_its_tag(folder):
    images = good_study()
    images[TOP].file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    images[TOP].PixelData = encapsulate([b"\xff\xd8\xff\xd9"])
    images[TOP]["PixelData"].VR = "OB"
    assert [note.reason for note in find(save_all(images, folder)[0].parent).notes] == ["lossy_compression"]


def test_19_a_missing_codec_stops_and_names_what_to_install(folder, monkeypatch):
    images = good_study()
    images[TOP].compress(RLELossless)
    monkeypatch.setattr("pydicom.pixels.decoders.base.Decoder.available_plugins", ())
    with pytest.raises(InputError, match="RLE Lossless.*uv sync --extra codecs"):
        run(images, folder)


@defect(20, "skipped", "truncated_pixels", 4)
def truncated_pixels(images, folder):
    path = save(images.pop(), folder / "top")
    path.write_bytes(path.read_bytes()[:-100])


@defect(20, "skipped", "undecodable_pixels", 4)
def truncated_compressed_pixels(images, folder):
    images[TOP].compress(RLELossless)
    path = save(images.pop(), folder / "top")
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize("syntax", [JPEGLSLossless, JPEG2000Lossless], ids=lambda syntax: syntax.keyword)
@pytest.mark.parametrize("lost", [40, 100, 200])
def test_20_a_compressed_picture_without_its_end_is_never_filled(folder, syntax, lost):
    images = good_study()
    compress(images, syntax)
    path = save(images.pop(), folder / "top")
    path.write_bytes(path.read_bytes()[:-lost])
    lines, slices, _ = run(images, folder)
    assert lines["action"].tolist() == ["skipped"] and len(slices) == 4


@defect(21, "skipped", "empty_file")
def zero_bytes(images, folder):
    (folder / "nothing").touch()


@defect(21, "skipped", "not_dicom")
def text_file(images, folder):
    (folder / "readme.txt").write_text("dear reader " * 40)


@defect(21, "skipped", "hidden_file")
def ds_store(images, folder):
    (folder / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")


@defect(21, "skipped", "dicomdir")
def dicomdir(images, folder):
    save(dicom_directory(), folder / "DICOMDIR")


@defect(22, "repaired", "no_preamble")
def no_preamble(images, folder):
    path = save(images.pop(), folder / "top")
    path.write_bytes(path.read_bytes()[132:])


@defect(22, "skipped", "not_ct", 4)
def no_preamble_and_no_ct(images, folder):
    images[TOP].SOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    no_preamble(images, folder)


@defect(23, "repaired", "trailing_bytes")
def trailing_bytes(images, folder):
    path = save(images.pop(), folder / "top")
    path.write_bytes(path.read_bytes() + b"\x00\x01garbage")


@defect(23, "repaired", "trailing_bytes")
def more_pixels_than_rows_and_columns(images, folder):
    images[TOP].PixelData += b"\x00" * 32


@defect(23, None, None)
def padding_element_behind_the_pixels(images, folder):
    images[TOP].DataSetTrailingPadding = b"\x00" * 64


@defect(24, "warned", "not_square")
def oblong_pixels(images, folder):
    for image in images:
        image.PixelSpacing = [1, 2]


@defect(24, "warned", "not_square")
def oblong_matrix(images, folder):
    for image in images:
        set_pixels(image, np.frombuffer(image.PixelData, np.int16).reshape(SIDE // 2, SIDE * 2))


@defect(24, "warned", "mixed_sizes")
def mixed_sizes(images, folder):
    set_pixels(images[TOP], np.random.default_rng(1).integers(0, 80, (32, 32), dtype=np.int16))


@pytest.mark.parametrize("side", [256, 768])
def test_24_a_study_of_another_matrix_than_512_is_warned_of(folder, side):
    lines, slices, _ = run(good_study(side=side), folder)
    assert lines[["action", "reason", "study", "count"]].values.tolist() == [
        ["warned", "matrix_not_512", pseudonym(KEY, "study", "1.2.3"), 1]
    ]
    assert len(slices) == SLICES
    (told,) = check(folder)["series"]
    assert (told["rows"], told["cols"], told["warnings"]) == (side, side, ["matrix_not_512"])


@defect(25, None, None)
def windows_of_several_values(images, folder):
    images[TOP].WindowCenter, images[TOP].WindowWidth = ["40", "600"], ["80", "2800"]


@defect(26, "skipped", "burned_in_text", 4)
def burned_in_annotation(images, folder):
    images[TOP].BurnedInAnnotation = "YES"


# Files that cannot be read


@defect(33, "skipped", "unreadable")
def link_that_leads_to_itself(images, folder):
    (folder / "loop").symlink_to(folder / "loop")


@defect(33, "skipped", "name_not_utf8", 4)
def name_that_is_no_utf8(images, folder):
    save(images.pop(), folder / os.fsdecode(b"caf\xe9"))


def test_33_what_may_not_be_read_is_skipped(folder, monkeypatch):
    images = good_study()
    closed = save(images.pop(), folder / "closed")
    stat = os.stat

    def refuse(path, *arguments, **options):  # root, as which tests may run, is refused nothing
        if str(path) == str(closed):
            raise PermissionError(13, "Permission denied")
        return stat(path, *arguments, **options)

    monkeypatch.setattr(os, "stat", refuse)
    lines, slices, _ = run(images, folder)
    assert lines[["action", "reason"]].values.tolist() == [["skipped", "unreadable"]] and len(slices) == 4


class Broken(io.FileIO):
    """A file of a disk that fails."""

    def read(self, size=-1):
        raise OSError(5, "Input/output error")


def test_33_a_file_whose_disk_fails_is_skipped(folder, monkeypatch):
    images = good_study()
    broken = save(images.pop(), folder / "broken")
    opened = stream._open_regular

    def fail(path):
        return Broken(path) if str(path) == str(broken) else opened(path)

    monkeypatch.setattr(stream, "_open_regular", fail)
    lines, slices, _ = run(images, folder)
    assert lines[["action", "reason"]].values.tolist() == [["skipped", "unreadable"]] and len(slices) == 4


def test_33_a_folder_that_may_not_be_listed_is_skipped(folder, monkeypatch):
    save(ct_slice(9, 0), folder / "closed" / "image")
    scan = os.scandir

    def refuse(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    lines, _, _ = run(good_study(), folder)
    assert lines[["action", "reason"]].values.tolist() == [["skipped", "unreadable_folder"]]


@defect(34, "skipped", "bad_size", 4)
def header_of_20000_rows(images, folder):
    images[TOP].Rows = images[TOP].Columns = 20_000


@defect(34, "skipped", "damaged_header", 4)
def sequences_400_deep(images, folder):
    down = b"\x08\x00\x40\x11SQ\x00\x00" + b"\xff" * 4 + b"\xfe\xff\x00\xe0" + b"\xff" * 4
    up = b"\xfe\xff\x0d\xe0" + b"\x00" * 4 + b"\xfe\xff\xdd\xe0" + b"\x00" * 4
    path, pixels = save(images.pop(), folder / "top"), b"\xe0\x7f\x10\x00OW"
    path.write_bytes(path.read_bytes().replace(pixels, down * 400 + up * 400 + pixels))


@pytest.mark.parametrize("case", DEFECTS, ids=str)
def test_each_defect_is_treated_as_it_should_be_and_makes_one_line(folder, case):
    assert_treated(case, folder)
