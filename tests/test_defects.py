"""Dirty head CT, defect by defect: what the ingest does, and the one line of its report that says so.

Here: what values mean, what is no slice, where slices lie (1 to 18). How files are written and what cannot be read
(19 to 26, 33, 34) is in test_defects_of_files.py, labels and identity (27 to 32) in test_defects_of_labels.py.
"""

import re
from pathlib import Path

import numpy as np
import pytest
from ct_files import SIDE, ct_slice, enhanced, save, set_pixels
from defects import KEY, SLICES, TOP, assert_treated, defects_in, good_study, run
from pydicom.uid import RLELossless

from hohoho.errors import InputError
from hohoho.pseudonyms import pseudonym

DEFECTS = []
defect = defects_in(DEFECTS)


def test_a_good_study_has_an_empty_report(folder):
    lines, slices, _ = run(good_study(), folder)
    assert lines.empty and len(slices) == SLICES


# Stored values and what they mean


@defect(1, "skipped", "no_rescale", 4)
def rescale_missing(images, folder):
    del images[TOP].RescaleSlope, images[TOP].RescaleIntercept


@defect(1, "repaired", "assumed_rescale", rescale=(1, 0))
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


@defect(12, "skipped", "other_series")
def two_kernels_at_the_same_positions(images, folder):
    sharp = [ct_slice(10 + n, 5.0 * n) for n in range(1, SLICES + 1)]
    for image in sharp:
        image.ConvolutionKernel = "BONE"
    images += sharp


@defect(13, "repaired", "same_file_twice")
def one_file_twice(images, folder):
    save(images[TOP], folder / "again" / "copy")


@defect(14, "repaired", "shuffled_instance_numbers")
def shuffled_instance_numbers(images, folder):
    for image, number in zip(images, [3, 5, 1, 4, 2], strict=True):
        image.InstanceNumber = str(number)


@defect(14, "repaired", "reversed_instance_numbers")
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


@defect(17, "skipped", "other_series", SLICES + 2, kernel="bone")
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


@pytest.mark.parametrize("case", DEFECTS, ids=str)
def test_each_defect_is_treated_as_it_should_be_and_makes_one_line(folder, case):
    assert_treated(case, folder)


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


def test_13_a_study_with_two_images_under_one_uid_is_refused(folder):
    images = good_study()
    images[TOP].SOPInstanceUID = images[0].SOPInstanceUID
    with pytest.raises(InputError, match="none of 5 files is a usable CT slice: 2 one_uid_two_images"):
        run(images, folder)


def native(whole):
    pass


def of_undefined_length(whole):
    for element in (whole["SharedFunctionalGroupsSequence"], whole["PerFrameFunctionalGroupsSequence"]):
        element.is_undefined_length = True
        for item in element.value:
            item.is_undefined_length_sequence_item = True


def run_lengths(whole):
    whole.compress(RLELossless)


@pytest.mark.parametrize("write", [native, of_undefined_length, run_lengths])
def test_18_frames_are_the_slices_that_single_files_would_be(folder, write):
    images = good_study()
    _, expected, expected_studies = run(images, folder)
    for path in folder.iterdir():
        path.unlink()
    images[2].RescaleIntercept = "-5"
    images[2].PixelData = (np.frombuffer(images[2].PixelData, np.int16) + np.int16(5)).tobytes()
    whole = enhanced([images[i] for i in (3, 0, 4, 2, 1)])
    write(whole)
    lines, slices, studies = run([whole], folder)
    assert lines[["action", "reason"]].values.tolist() == [
        ["repaired", "multi_frame"],
        ["repaired", "shuffled_instance_numbers"],
    ]
    assert slices.equals(expected) and studies.equals(expected_studies)


def test_every_defect_from_1_to_34_has_a_test_with_its_number():
    files = Path(__file__).parent.glob("test_defects*.py")
    numbers = {
        int(a or b) for file in files for a, b in re.findall(r"@defect\((\d+)|def test_(\d\d)_", file.read_text())
    }
    assert numbers == set(range(1, 35))
