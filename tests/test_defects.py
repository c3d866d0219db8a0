"""Dirty head CT, defect by defect: what the ingest does, and the one line of its report that says so.

Labels and identity (27 to 32) are in test_label_defects.py, decompression bombs (34) in test_bombs.py.
"""

import os
from typing import NamedTuple

import numpy as np
import pytest
from ct_files import SIDE, ct_slice, ct_study, enhanced, save, save_all, set_pixels
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels import get_encoder
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from hohoho.errors import InputError
from hohoho.ingest import ingest
from hohoho.pseudonyms import pseudonym
from hohoho.slice_store import read_slice_table, read_study_table
from hohoho.sources.dicom_folder import find

KEY, WINDOW_HU = b"a key for tests only", (40, 80)
SLICES, TOP = 5, -1  # of a good study; the topmost slice leaves no gap where it is lost


class Defect(NamedTuple):
    number: int
    make: object  # (images, folder) → images to write beside what it wrote itself
    action: str | None  # None: nothing to say
    reason: str | None
    slices: int  # that are stored
    options: dict  # of `find`


DEFECTS = []


def defect(number, action, reason, slices=SLICES, **options):
    """What follows makes defect `number` of a good study; the ingest does `action` and says `reason` in one line."""

    def remember(make):
        DEFECTS.append(Defect(number, make, action, reason, slices, options))
        return make

    return remember


def good_study(slices=SLICES, side=SIDE):
    rng = np.random.default_rng(0)
    images = ct_study(slices)
    for image in images:
        set_pixels(image, rng.integers(-20, 100, (side, side), dtype=np.int16))
    return images


def run(images, folder, strict=False, **options):
    """(lines of the report, slice table, study table) of an ingest of these images and what lies in the folder."""
    save_all(images, folder)
    store = folder.parent / "store"
    report = ingest(find(folder, **options), store, SIDE, WINDOW_HU, KEY, strict=strict)
    return report.lines, read_slice_table(store), read_study_table(store)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def test_a_good_study_has_an_empty_report(folder):
    lines, slices, _ = run(good_study(), folder)
    assert lines.empty and len(slices) == SLICES


def name(each):
    return f"{each.number:02d} {each.make.__name__}: {each.action} {each.reason}"


# Stored values and what they mean


@defect(1, "skipped", "no_rescale", 4)
def rescale_missing(images, folder):
    del images[TOP].RescaleSlope, images[TOP].RescaleIntercept


@defect(1, "repaired", "assumed_rescale", assumed_rescale=(1, 0))
def rescale_missing_and_told(images, folder):
    rescale_missing(images, folder)


@defect(2, "repaired", "wrapped_negatives")
def negatives_wrapped_in_12_bits(images, folder):
    hu = np.full((SIDE, SIDE), -1000)
    hu[4:12, 4:12] = 30
    set_pixels(images[TOP], (hu % 4096).astype(np.uint16))
    images[TOP].BitsStored, images[TOP].HighBit = 12, 11


@defect(3, "repaired", "repeated_rescale")
def rescale_twice_the_same(images, folder):
    images[TOP].RescaleSlope = ["1", "1"]


@defect(3, "skipped", "bad_rescale", 4)
def rescale_of_two_values(images, folder):
    images[TOP].RescaleIntercept = ["0", "-1024"]


@defect(3, "skipped", "bad_rescale", 4)
def rescale_empty(images, folder):
    images[TOP].RescaleIntercept = ""


@defect(3, "skipped", "bad_rescale", 4)
def rescale_slope_zero(images, folder):
    images[TOP].RescaleSlope = "0"


@defect(3, "skipped", "bad_rescale", 4)
def rescale_slope_text(images, folder):
    images[TOP].RescaleSlope = "7777"
    path = save(images.pop(), folder / "top")
    path.write_bytes(path.read_bytes().replace(b"7777", b"NaN "))


@defect(4, "warned", "nothing_in_brain_range")
def hu_of_no_brain(images, folder):
    set_pixels(images[TOP], np.where(np.eye(SIDE), 900, -1000).astype(np.int16))


@defect(4, "skipped", "constant", 4)
def one_value_everywhere(images, folder):
    set_pixels(images[TOP], np.full((SIDE, SIDE), 30, np.int16))


@defect(5, "repaired", "padding")
def padding_value(images, folder):
    images[TOP].add_new("PixelPaddingValue", "SS", int(np.frombuffer(images[TOP].PixelData, np.int16)[0]))


@defect(5, "repaired", "padding")
def padding_range(images, folder):
    images[TOP].add_new("PixelPaddingValue", "SS", -20)
    images[TOP].add_new("PixelPaddingRangeLimit", "SS", -10)


@defect(6, "repaired", "inverted")
def monochrome1_picture_of_8_bits(images, folder):
    set_pixels(images[TOP], np.random.default_rng(1).integers(0, 255, (SIDE, SIDE), dtype=np.uint8))
    images[TOP].PhotometricInterpretation = "MONOCHROME1"


@defect(6, "warned", "monochrome1")
def monochrome1_of_hu(images, folder):
    images[TOP].PhotometricInterpretation = "MONOCHROME1"


# What is no slice


@defect(7, "skipped", "colour", 4)
def colour_picture(images, folder):
    images[TOP].SamplesPerPixel, images[TOP].PhotometricInterpretation = 3, "RGB"
    images[TOP].PlanarConfiguration = 0
    images[TOP].PixelData *= 3


@pytest.mark.parametrize(
    "sop_class", ["7", "88.67", "88.22", "66.4", "11.1"], ids=["capture", "dose", "SR", "SEG", "PR"]
)
def test_07_what_is_of_another_class_is_skipped(folder, sop_class):
    images = good_study()
    images[TOP].SOPClassUID = f"1.2.840.10008.5.1.4.1.1.{sop_class}"
    lines, slices, _ = run(images, folder)
    assert lines[["action", "reason"]].values.tolist() == [["skipped", "not_ct"]] and len(slices) == 4


@defect(7, "skipped", "not_a_slice", 4)
def dose_page_stored_as_ct(images, folder):
    images[TOP].ImageType = ["DERIVED", "SECONDARY", "OTHER", "DOSE_INFO"]


@defect(7, "skipped", "not_a_slice", 4)
def exam_summary_stored_as_ct(images, folder):
    images[TOP].SeriesDescription = "Exam Summary"


@defect(8, "skipped", "localizer", 4)
def scout_by_its_image_type(images, folder):
    images[TOP].ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]


@defect(8, "skipped", "localizer", 4)
def scout_by_its_orientation(images, folder):
    images[TOP].ImageOrientationPatient = [0, 1, 0, 0, 0, -1]


@defect(8, "skipped", "single_image", 4)
def scout_as_a_series_of_one_image(images, folder):
    images[TOP].SeriesInstanceUID = "1.2.3.5"


# Where slices lie


def tilt(images, degrees):
    angle = np.radians(degrees)
    for image in images:
        image.ImageOrientationPatient = [1, 0, 0, 0, round(np.cos(angle), 8), round(-np.sin(angle), 8)]


@defect(9, "repaired", "gantry_tilt")
def tilted_gantry(images, folder):
    tilt(images, 18.5)


@defect(10, "warned", "uneven_gaps")
def varying_spacing(images, folder):
    for image in images[3:]:
        image.ImagePositionPatient[2] += 1


@defect(10, "warned", "varying_thickness")
def varying_thickness(images, folder):
    images[TOP].SliceThickness = "7"


@defect(11, "warned", "missing_slice", 4)
def missing_slice(images, folder):
    del images[2]


@defect(12, "repaired", "same_slice_twice")
def one_slice_under_two_names(images, folder):
    twin = good_study()[TOP]
    twin.SOPInstanceUID = "1.2.3.4.99"
    images.append(twin)


@defect(12, "skipped", "second_image_at_position")
def two_pictures_at_one_position(images, folder):
    images.append(ct_slice(99, images[TOP].ImagePositionPatient[2]))


@defect(12, "skipped", "other_series")
def two_acquisitions_at_the_same_positions(images, folder):
    late = [ct_slice(10 + n, 5.0 * n) for n in range(1, SLICES + 1)]
    for number, part in enumerate((images, late), 1):
        for image in part:
            image.AcquisitionNumber = str(number)
    images += late


@defect(13, "repaired", "same_file_twice")
def one_file_twice(images, folder):
    save(images[TOP], folder / "again" / "copy")


@defect(14, "repaired", "instance_numbers")
def shuffled_instance_numbers(images, folder):
    for image, number in zip(images, [3, 5, 1, 4, 2], strict=True):
        image.InstanceNumber = str(number)


@defect(14, None, None)
def reversed_instance_numbers(images, folder):
    for image, number in zip(images, [5, 4, 3, 2, 1], strict=True):
        image.InstanceNumber = str(number)


@defect(15, "warned", "ordered_by_slice_location")
def no_position_but_a_slice_location(images, folder):
    for image in images:
        image.SliceLocation = image.ImagePositionPatient[2]
        del image.ImagePositionPatient


@defect(15, "warned", "ordered_by_instance_number")
def no_position_but_an_instance_number(images, folder):
    for image in images:
        del image.ImagePositionPatient


@defect(15, "warned", "no_orientation")
def no_orientation(images, folder):
    for image in images:
        del image.ImageOrientationPatient


@defect(15, "skipped", "no_position")
def no_position_at_all(images, folder):
    for number in (8, 9):
        page = ct_slice(number, 0)
        page.SeriesInstanceUID = "1.2.3.5"
        del page.ImagePositionPatient, page.InstanceNumber
        images.append(page)


@defect(16, "skipped", "other_orientation", 4)
def two_orientations_in_one_series(images, folder):
    tilt(images[TOP:], 15)


def bone_series():
    images = good_study(SLICES + 2)
    for image in images:
        image.SeriesInstanceUID, image.ConvolutionKernel = "1.2.3.5", "BONE"
        image.SOPInstanceUID += "9"
    return images


@defect(17, "skipped", "other_series")
def bone_kernel_beside(images, folder):
    images += bone_series()


@defect(17, "skipped", "other_series", SLICES + 2, preferred_kernel="bone")
def bone_kernel_preferred(images, folder):
    images += bone_series()


@defect(18, "repaired", "multi_frame")
def enhanced_ct(images, folder):
    images[:] = [enhanced(images)]


@defect(18, "skipped", "multi_frame")
def enhanced_ct_without_positions(images, folder):
    whole = enhanced(good_study())
    whole.SOPInstanceUID, whole.SeriesInstanceUID = "1.2.3.5.1", "1.2.3.5"
    del whole.PerFrameFunctionalGroupsSequence[2].PlanePositionSequence
    images.append(whole)


@defect(18, "skipped", "multi_frame", 4)
def frames_in_a_single_frame_class(images, folder):
    images[TOP].NumberOfFrames = "2"
    images[TOP].PixelData *= 2


# How files are written


def compress(images, syntax):
    if syntax.is_deflated:
        for image in images:
            image.file_meta.TransferSyntaxUID = syntax
        return
    if not get_encoder(syntax).is_available:
        pytest.skip("no encoder installed")
    for image in images:
        image.compress(syntax, generate_instance_uid=False)


@pytest.mark.parametrize(
    "syntax",
    [DeflatedExplicitVRLittleEndian, RLELossless, JPEGLSLossless, JPEG2000Lossless],
    ids=lambda syntax: syntax.keyword,
)
def test_19_compressed_files_give_the_same_hu_and_an_empty_report(folder, syntax):
    images = good_study(side=64)
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
    monkeypatch.setattr("pydicom.pixels.decoders.base.Decoder.is_available", False)
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
    images = good_study(side=64)
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
    directory = Dataset()
    directory.file_meta = FileMetaDataset()
    directory.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    directory.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    directory.file_meta.MediaStorageSOPInstanceUID = "1.2.3.99"
    directory.FileSetID, directory.DirectoryRecordSequence = "DISC", []
    save(directory, folder / "DICOMDIR")


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


@pytest.mark.parametrize("case", DEFECTS, ids=name)
def test_each_defect_is_treated_as_it_should_be_and_makes_one_line(folder, case):
    images = good_study()
    case.make(images, folder)
    lines, slices, _ = run(images, folder, **case.options)
    expected = [[case.action, case.reason]] if case.action else []
    assert lines[["action", "reason"]].values.tolist() == expected
    assert len(slices) == case.slices
    assert slices["position_mm"].is_monotonic_increasing


def test_09_the_tilt_is_measured_and_the_gaps_run_along_the_normal(folder):
    images = good_study()
    tilted_gantry(images, folder)
    _, _, studies = run(images, folder)
    assert studies["tilt_deg"].item() == pytest.approx(18.5, abs=1e-4)
    assert studies["gap_mm_median"].item() == pytest.approx(5 * np.cos(np.radians(18.5)), abs=1e-4)


def test_11_a_missing_slice_stops_a_strict_ingest_which_names_study_and_place(folder):
    images = good_study()
    missing_slice(images, folder)
    study = pseudonym(KEY, "study", "1.2.3")
    with pytest.raises(InputError, match=f"1 slices are missing: {study} below slice 2 .*ingest.strict"):
        run(images, folder, strict=True)
    assert not (folder.parent / "store" / "slices.parquet").exists()


def test_13_two_images_under_one_uid_stop_the_ingest(folder):
    images = good_study()
    images[TOP].SOPInstanceUID = images[0].SOPInstanceUID
    with pytest.raises(InputError, match="1 files carry the SOP Instance UID of another"):
        run(images, folder)


def test_18_frames_are_the_slices_that_single_files_would_be(folder):
    images = good_study()
    _, expected, studies = run(images, folder)
    for path in folder.iterdir():
        path.unlink()
    images[2].RescaleIntercept, images[2].PixelData = (
        "-5",
        ((np.frombuffer(images[2].PixelData, np.int16) + np.int16(5)).tobytes()),
    )
    for compress in (False, True):
        whole = enhanced([images[i] for i in (3, 0, 4, 2, 1)])
        if compress:
            whole.compress(RLELossless)
        _, slices, study = run([whole], folder)
        assert slices.equals(expected)
        assert study.equals(studies)


def test_every_number_from_1_to_34_has_its_test():
    here = [each.number for each in DEFECTS]
    elsewhere = [27, 28, 29, 30, 31, 32]  # test_label_defects.py
    assert sorted({*here, *elsewhere}) == list(range(1, 35))
