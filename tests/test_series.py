"""Order along the normal: from the geometry alone, whatever files and instances are called."""

import random

import numpy as np
import pytest
from ct_files import ct_slice, ct_study, save, save_all
from inventories import find

from hohoho.scans.choice import SHARP, SOFT, UNKNOWN, kernel_rank
from hohoho.scans.geometry import gap_warnings, missing_slices, wide_gaps


def only_scan(images, tmp_path):
    save_all(images, tmp_path)
    inventory = find(tmp_path)
    assert len(inventory.scans) == 1
    return inventory.scans[0], inventory.notes


def numbers(scan):
    """Which slices, by the number that ct_slice put in their SOP Instance UID."""
    return [int(header.sop_uid.rsplit(".", 1)[1]) for header in scan.images]


def reasons(notes):
    return sorted(note.reason for note in notes)


def test_slices_run_foot_to_head_whatever_their_names_and_instance_numbers(tmp_path):
    images = ct_study(9)
    for image, instance in zip(images, random.Random(1).sample(range(1, 10), 9), strict=True):
        image.InstanceNumber = str(instance)
    scan, _ = only_scan(images, tmp_path)
    assert numbers(scan) == [1, 2, 3, 4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("orientation", [[1, 0, 0, 0, 1, 0], [1, 0, 0, 0, -1, 0], [-1, 0, 0, 0, 1, 0]])
def test_the_order_is_foot_to_head_for_every_sign_of_the_normal(tmp_path, orientation):
    images = ct_study(4)
    for image in images:
        image.ImageOrientationPatient = orientation
    scan, _ = only_scan(images, tmp_path)
    assert numbers(scan) == [1, 2, 3, 4]
    assert scan.position_mm.tolist() == [5, 10, 15, 20]


@pytest.mark.parametrize("degrees", [-25.0, 18.5])
def test_a_tilted_gantry_is_measured_from_the_orientation_and_gaps_along_the_normal(tmp_path, degrees):
    angle = np.radians(degrees)
    images = ct_study(5, gap_mm=5 / np.cos(angle))  # the table moves along z, the normal does not
    for image in images:
        image.ImageOrientationPatient = [1, 0, 0, 0, round(np.cos(angle), 8), round(-np.sin(angle), 8)]
        image.GantryDetectorTilt = str(-degrees)
    scan, _ = only_scan(images, tmp_path)
    assert scan.tilt_deg == pytest.approx(abs(degrees), abs=1e-4)
    assert np.allclose(np.diff(scan.position_mm), 5.0, atol=1e-4)


def test_a_gap_is_wide_from_one_and_a_half_medians_on():
    assert wide_gaps([0, 5, 10, 17.5, 25.1, 30]).tolist() == [False, False, False, False, True, False]


def test_uneven_gaps_and_a_missing_slice_are_told_apart():
    def warnings(position_mm):
        return gap_warnings(position_mm, missing_slices(position_mm))

    assert warnings([0, 5, 10, 15]) == []
    assert warnings([0, 5, 10, 17]) == ["uneven_gaps"]
    assert warnings([0, 5, 10, 20]) == ["missing_slice"]
    assert warnings([0, 5, 11, 30, 35]) == ["uneven_gaps", "missing_slice"]
    assert warnings([0]) == []
    assert gap_warnings([0, 10], np.array([False, True])) == ["missing_slice"]


def test_a_copy_of_a_slice_under_another_name_is_dropped_and_reported(tmp_path):
    images = ct_study(3)
    copy = ct_slice(2, 10.0)
    copy.SOPInstanceUID = "1.2.3.4.99"
    scan, notes = only_scan([*images, copy], tmp_path)
    assert numbers(scan) == [1, 2, 3]
    assert reasons(notes) == ["same_slice_twice"]


def test_another_picture_at_the_same_position_is_skipped_and_reported(tmp_path):
    scan, notes = only_scan([*ct_study(3), ct_slice(9, 10.0)], tmp_path)
    assert numbers(scan) == [1, 2, 3]
    assert reasons(notes) == ["second_image_at_position"]


def test_two_acquisitions_at_the_same_positions_are_two_series(tmp_path):
    first, second = ct_study(3), [ct_slice(10 + n, 5.0 * n) for n in (1, 2, 3)]
    for image in first:
        image.AcquisitionNumber = "1"
    for image in second:
        image.AcquisitionNumber = "2"
    scan, notes = only_scan([*second, *first], tmp_path)
    assert numbers(scan) == [1, 2, 3]
    assert reasons(notes) == ["other_series"] * 3


def test_two_acquisitions_that_meet_in_one_slice_are_one_series(tmp_path):
    lower, upper = ct_study(4), [ct_slice(10 + n, 20.0 + 5.0 * n) for n in range(6)]
    for image in lower:
        image.AcquisitionNumber = "1"
    for image in upper:
        image.AcquisitionNumber = "2"
    scan, notes = only_scan([*upper, *lower], tmp_path)
    assert numbers(scan) == [1, 2, 3, 4, 11, 12, 13, 14, 15]
    assert reasons(notes) == ["second_image_at_position"]


def test_a_stray_acquisition_does_not_mix_two_kernels(tmp_path):
    soft, bone = ct_study(3), [ct_slice(10 + n, 5.0 * n) for n in (1, 2, 3)]
    for image in bone:
        image.ConvolutionKernel, image.InstanceNumber = "BONE", str(int(image.InstanceNumber) - 10)
    for image in [*soft, *bone]:
        image.AcquisitionNumber = "1"
    stray = ct_slice(4, 20.0)
    stray.AcquisitionNumber = "2"
    scan, notes = only_scan([*bone, *soft, stray], tmp_path)
    assert {header.kernel for header in scan.images} == {"SOFT"} and len(scan.images) == 4
    assert reasons(notes) == ["other_series"] * 3


def test_the_same_file_twice_is_read_once(tmp_path):
    images = ct_study(3)
    save(images[0], tmp_path / "again" / "copy.dcm")
    scan, notes = only_scan(images, tmp_path)
    assert numbers(scan) == [1, 2, 3]
    assert reasons(notes) == ["same_file_twice"]


@pytest.mark.parametrize(
    ("spoil", "reason", "files"),
    [
        (lambda images: setattr(images[2], "SOPInstanceUID", images[0].SOPInstanceUID), "one_uid_two_images", 2),
        (lambda images: setattr(images[1], "PatientID", "P2"), "two_patients_in_study", 3),
    ],
)
def test_a_study_that_cannot_be_trusted_is_refused_and_stops_no_other_one(tmp_path, spoil, reason, files):
    images, others = ct_study(3), ct_study(3)
    for image in others:
        image.StudyInstanceUID, image.SeriesInstanceUID = "1.9", "1.9.1"
        image.SOPInstanceUID += ".9"
    spoil(images)
    scan, notes = only_scan([*images, *others], tmp_path)
    assert scan.study == "1.9"
    assert [(note.action, note.reason) for note in notes] == [("refused", reason)] * files


def test_a_localizer_hidden_in_an_axial_series_is_skipped(tmp_path):
    scout = ct_slice(9, 40.0)
    scout.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
    scan, notes = only_scan([scout, *ct_study(3)], tmp_path)
    assert numbers(scan) == [1, 2, 3]
    assert reasons(notes) == ["localizer"]


def test_the_largest_orientation_of_a_mixed_series_is_kept(tmp_path):
    images = ct_study(5)
    for image in images[:2]:
        image.ImageOrientationPatient = [1, 0, 0, 0, 0.9659258, -0.2588190]
    scan, notes = only_scan(images, tmp_path)
    assert numbers(scan) == [3, 4, 5]
    assert reasons(notes) == ["other_orientation"] * 2


def test_a_study_of_coronal_slices_is_no_scan(tmp_path):
    images = ct_study(3)
    for image in images:
        image.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
        image.ImagePositionPatient = [0, image.InstanceNumber, 0]
    save_all(images, tmp_path)
    inventory = find(tmp_path)
    assert inventory.scans == []
    assert reasons(inventory.notes) == ["not_axial"] * 3


def series(number, slices, kernel, thickness_mm):
    images = [ct_slice(100 * number + n, 5.0 * n) for n in range(1, slices + 1)]
    for image in images:
        image.SeriesInstanceUID, image.ConvolutionKernel = f"1.2.3.{number}", kernel
        image.SliceThickness = thickness_mm
    return images


def test_one_series_stands_for_a_study_soft_kernel_then_thickness_then_slices(tmp_path):
    bone, thin, chosen, short = (
        series(1, 6, "BONE", "5"),
        series(2, 6, "SOFT", "1"),
        series(3, 5, "SOFT", "5"),
        series(4, 4, "SOFT", "5"),
    )
    scan, notes = only_scan([*bone, *thin, *chosen, *short], tmp_path)
    assert numbers(scan) == [301, 302, 303, 304, 305]
    assert reasons(notes) == ["other_series"] * 16


def test_a_preferred_kernel_overrules_the_choice(tmp_path):
    save_all([*series(1, 3, "BONE", "5"), *series(2, 3, "SOFT", "5")], tmp_path)
    assert numbers(find(tmp_path, kernel="bone").scans[0]) == [101, 102, 103]


def test_a_single_image_is_no_series(tmp_path):
    scan, notes = only_scan([*series(1, 1, "SOFT", "5"), *series(2, 3, "BONE", "5")], tmp_path)
    assert numbers(scan) == [201, 202, 203]
    assert reasons(notes) == ["single_image"]


@pytest.mark.parametrize(
    ("kernel", "rank"),
    [("STANDARD", SOFT), ("STD+", SOFT), ("H31s", SOFT), ("FC21", SOFT), ("UB", SOFT), (None, UNKNOWN)]
    + [("BONEPLUS", SHARP), ("H60s", SHARP), ("FC30", SHARP), ("Hr64h", SHARP), ("YD", SHARP), ("LUNG", SHARP)],
)
def test_kernels_of_all_makers_are_told_soft_from_sharp(kernel, rank):
    assert kernel_rank(kernel) == rank


def test_without_positions_slice_location_orders_and_is_warned_of(tmp_path):
    images = ct_study(4)
    for image in images:
        image.SliceLocation, image.InstanceNumber = image.ImagePositionPatient[2], "1"
        del image.ImagePositionPatient
    scan, notes = only_scan(images, tmp_path)
    assert numbers(scan) == [1, 2, 3, 4]
    assert reasons(notes) == ["ordered_by_slice_location"]


def test_without_positions_and_locations_instance_numbers_order_and_are_warned_of(tmp_path):
    images = ct_study(4)
    for image in images:
        del image.ImagePositionPatient
    scan, notes = only_scan(images, tmp_path)
    assert numbers(scan) == [1, 2, 3, 4]
    assert scan.position_mm.tolist() == [5, 10, 15, 20]
    assert reasons(notes) == ["ordered_by_instance_number"]


def test_without_any_order_a_series_is_skipped(tmp_path):
    images = ct_study(4)
    for image in images:
        del image.ImagePositionPatient, image.InstanceNumber
    save_all(images, tmp_path)
    assert reasons(find(tmp_path).notes) == ["no_position"] * 4
