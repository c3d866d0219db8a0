"""One standing: however a slice is stored in its plane, it is read with the front up and the right on the left."""

from itertools import product

import numpy as np
import pytest
from ct_files import ct_slice, ct_study, enhanced, save, save_all, set_pixels
from inventories import find
from pydicom.uid import RLELossless

from hohoho.dicom.reader import read_frames, read_hu, read_slice
from hohoho.scans.scan import REPAIRED, WARNED

ROWS, COLUMNS, SPACING_MM = 24, 40, (0.7, 0.4)  # between rows, between columns
ROW, COLUMN = np.array([1.0, 0, 0]), np.array([0, 1.0, 0])
POSITION_MM = np.array([-8.0, -9.0, 5.0])
WAYS = list(product((False, True), repeat=3))  # transposed, upside down, mirrored: all eight standings in one plane


def tilted(degrees, axis):
    """(row, column) of an axial plane, turned about x (a gantry) or about y (a head that leans to its shoulder)."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    if axis == "x":
        return ROW, np.array([0, cosine, -sine])
    return np.array([cosine, 0, sine]), COLUMN


def stored_as(way, directions=(ROW, COLUMN), image=None):
    """The slice as another machine stores it, in NumPy's own words; its true picture is that of `way` all False."""
    transposed, upside_down, mirrored = way
    image = image or ct_slice(1, 5.0)
    (row, column), (down_mm, across_mm), position = directions, SPACING_MM, POSITION_MM
    stored = np.random.default_rng(3).integers(-1000, 1000, (ROWS, COLUMNS), dtype=np.int16)
    if mirrored:
        stored, position, row = np.fliplr(stored), position + (COLUMNS - 1) * across_mm * row, -row
    if upside_down:
        stored, position, column = np.flipud(stored), position + (ROWS - 1) * down_mm * column, -column
    if transposed:
        stored, row, column, down_mm, across_mm = stored.transpose(), column, row, across_mm, down_mm
    set_pixels(image, np.ascontiguousarray(stored))
    image.PixelSpacing = [down_mm, across_mm]
    image.ImageOrientationPatient = [round(value, 9) for value in (*row.tolist(), *column.tolist())]
    image.ImagePositionPatient = [round(value, 9) for value in position.tolist()]
    return image


def read(image, tmp_path):
    header = read_frames(save(image, tmp_path / "file"))[0]
    return header, read_hu(header)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("tilt", [(0, "x"), (22.5, "x"), (-30, "x"), (17, "y"), (-40, "y")])
def test_all_eight_standings_read_as_the_same_slice(tmp_path, way, tilt):
    expected, picture = read(stored_as((False, False, False), tilted(*tilt)), tmp_path)
    header, hu = read(stored_as(way, tilted(*tilt)), tmp_path)
    assert np.array_equal(hu, picture) and hu.shape == (ROWS, COLUMNS) and hu.flags.c_contiguous
    assert header.spacing_mm == SPACING_MM
    assert header.orientation == pytest.approx(expected.orientation, abs=1e-8)
    assert header.position == pytest.approx(expected.position, abs=1e-6)
    assert header.repairs == ("turned_front_up",) * any(way) and header.warnings == ()


# row and column, PS3.3 C.7.6.2.1.1: x runs to the patient's left, y to the back
LYING = {
    "on the back": (1, 0, 0, 0, 1, 0),
    "on the face": (-1, 0, 0, 0, -1, 0),
    "on the left side": (0, 1, 0, -1, 0, 0),
    "on the right side": (0, -1, 0, 1, 0, 0),
    "feet first": (-1, 0, 0, 0, 1, 0),
    "feet first, on the face": (1, 0, 0, 0, -1, 0),
    "feet first, on the left side": (0, 1, 0, 1, 0, 0),
    "feet first, on the right side": (0, -1, 0, -1, 0, 0),
}


@pytest.mark.parametrize("lying", LYING)
def test_the_front_is_up_and_the_right_is_on_the_left_however_the_patient_lies(tmp_path, lying):
    row, column = np.reshape(LYING[lying], (2, 3))
    image, side = ct_slice(1, 5.0), 32
    stored = np.full((side, side), -1000, np.int16)
    y, x = np.indices((side, side)) - (side - 1) / 2
    mm = x[..., None] * row + y[..., None] * column
    stored[mm[..., 1] < -10] = 100  # front
    stored[mm[..., 0] < -10] = 200  # right
    set_pixels(image, stored)
    image.ImageOrientationPatient = list(LYING[lying])
    _, hu = read(image, tmp_path)
    assert (hu[:5, 10:] == 100).all() and (hu[:, :5] == 200).all()
    assert (hu[10:, 10:] == -1000).all()


def test_prone_slices_are_turned_by_half(tmp_path):
    image = stored_as((False, False, False))
    picture = read(image, tmp_path)[1]
    image.ImageOrientationPatient = list(LYING["on the face"])
    assert np.array_equal(read(image, tmp_path)[1], picture[::-1, ::-1])


def test_slices_of_one_series_in_eight_standings_are_one_scan(tmp_path):
    images = [stored_as(way, image=image) for way, image in zip(WAYS, ct_study(8), strict=True)]
    for number, image in enumerate(images):
        image.ImagePositionPatient[2] = 5.0 * number
    save_all(images, tmp_path)
    inventory = find(tmp_path)
    (scan,) = inventory.scans
    assert np.allclose(scan.position_mm, 5.0 * np.arange(8)) and (scan.spacing_mm == SPACING_MM).all()
    assert len({read_slice(header)[0].tobytes() for header in scan.images}) == 1
    turned = [note for note in inventory.notes if note.reason == "turned_front_up"]
    assert len(turned) == 7 and {note.action for note in turned} == {REPAIRED}


@pytest.mark.parametrize("way", WAYS)
def test_frames_are_turned_as_files_are(tmp_path, way):
    images = [stored_as(way, image=image) for image in ct_study(3)]
    (tmp_path / "one").mkdir()
    alone = read(images[0], tmp_path / "one")[1]
    frames = read_frames(save(enhanced(images), tmp_path / "whole"))
    assert all(np.array_equal(read_hu(frame), alone) for frame in frames)
    assert all(frame.spacing_mm == SPACING_MM for frame in frames)


def test_compressed_slices_are_turned_too(tmp_path):
    image = stored_as((True, False, True))
    image.compress(RLELossless)
    assert np.array_equal(read(image, tmp_path)[1], read(stored_as((False, False, False)), tmp_path)[1])


def rotated(degrees):
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([cosine, sine, 0]), np.array([-sine, cosine, 0])


@pytest.mark.parametrize("degrees", [-44, -20, -6, 6, 30, 44])
@pytest.mark.parametrize("way", WAYS)
def test_odd_angles_are_turned_to_the_nearest_standing_and_warned_of(tmp_path, degrees, way):
    expected, picture = read(stored_as((False, False, False), rotated(degrees)), tmp_path)
    header, hu = read(stored_as(way, rotated(degrees)), tmp_path)
    assert np.array_equal(hu, picture)
    assert header.warnings == expected.warnings == ("rotated_in_plane",)


@pytest.mark.parametrize("degrees", [-4, -1, 0.01, 3])
def test_a_head_that_lies_a_little_askew_is_left_without_a_word(tmp_path, degrees):
    header, _ = read(stored_as((False, False, False), rotated(degrees)), tmp_path)
    assert header.warnings == header.repairs == ()


@pytest.mark.parametrize("orientation", [(1, 0, 0, 0, 0, -1), (0, 1, 0, 0, 0, -1), (0, 0, 1, 0, 1, 0), None])
def test_other_planes_and_slices_without_orientation_are_left_as_they_are(tmp_path, orientation):
    image = stored_as((False, False, False))
    image.ImageOrientationPatient = orientation and list(orientation)
    header, hu = read(image, tmp_path)
    assert header.turn is None and header.repairs == ()
    assert hu.tobytes() == np.maximum(image.pixel_array, -1024).tobytes()


def test_a_scan_at_an_odd_angle_is_warned_of_in_its_notes(tmp_path):
    save_all([stored_as((False, False, False), rotated(15), image) for image in ct_study(3)], tmp_path)
    assert {(note.action, note.reason) for note in find(tmp_path).notes} >= {(WARNED, "rotated_in_plane")}
