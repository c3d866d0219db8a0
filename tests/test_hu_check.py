"""Are these HU? A head is told by its air and its soft tissue, whatever its header says; nothing else is accused."""

import nibabel
import numpy as np
import pytest
from ct_files import ct_study, save_all, set_pixels
from inventories import find

from hohoho.phantom.tree import write_phantom
from hohoho.scans.hu_check import hu_warning, slices_unlike_others
from hohoho.scans.pixels import read_scan
from hohoho.scans.scan import WARNED, Scan
from hohoho.sources.nifti import read_plane, read_volume

SLICES, SIDE = 6, 128
NAMES = {
    *("values_offset_by_1024", "eight_bit_values", "no_soft_tissue", "background_zero", "no_air"),
    *("values_too_high", "clipped_values", "values_scaled"),
}


def head(padding=None, radius=0.4, seed=0):
    """(SLICES, SIDE, SIDE) HU: a brain in a skull in air; around the round field of view lies `padding`."""
    rng, (y, x) = np.random.default_rng(seed), (np.indices((SIDE, SIDE)) - SIDE / 2) / SIDE
    far, bone = np.hypot(x, 0.8 * y), rng.uniform(300, 1800, (SLICES, SIDE, SIDE))
    hu = np.select([far < radius * 0.94, far < radius], [np.float64(32), bone], -1000) + rng.normal(0, 8, bone.shape)
    hu[:, far < radius * 0.2] -= 26  # ventricles
    return np.rint(hu if padding is None else np.where(np.hypot(x, y) > 0.5, padding, hu)).astype(np.int16)


def brain_in(background):
    """The brain cut out, `background` around it."""
    hu = head()
    return np.where((hu > -10) & (hu < 100), hu, background)


GOOD = {
    "head": head(),
    "small head": head(radius=0.15),
    "padding -2000": np.maximum(head(-2000), -1024),
    "padding -3024 clipped to air": np.maximum(head(-3024), -1024),
    "padding 0": head(0),
    "cut out of the brain": head()[:, 50:78, 50:78],
    "cut out of the skull": head()[:, 20:110, 50:78],
    "brain in air": brain_in(-1024),
    "face set to 0": np.where(np.indices((SLICES, SIDE, SIDE))[1] < 40, 0, head()),
    "face set to air": np.where(np.indices((SLICES, SIDE, SIDE))[1] < 40, -1000, head()),
    "lowest value -1000": np.maximum(head(), -1000),
    "metal": np.where((np.indices((SLICES, SIDE, SIDE))[1:] // 5 == 12).all(axis=0), 3071, head()),
    "even numbers": head() // 2 * 2,
    "bright with contrast": np.where(np.random.default_rng(1).random(head().shape) < 0.03, 300, head()),
}


@pytest.mark.parametrize("name", GOOD)
def test_heads_are_not_accused(name):
    assert hu_warning(GOOD[name]) is None


def test_a_scan_without_slices_is_not_accused():
    assert hu_warning(np.zeros(0, np.int16)) is None


def grey(hu, low, high):
    return np.clip((hu - low) * 255.0 / (high - low), 0, 255).astype(np.int16)


def scaled(hu, slope):
    return np.rint(np.clip(hu.astype(float) * slope, -1024, 32767)).astype(np.int16)


BAD = {
    **{f"plus {offset}": (head() + offset, "values_offset_by_1024") for offset in (1000, 1024)},
    "plus 1024, padding 0": (np.maximum(head(-1024) + 1024, 0), "values_offset_by_1024"),
    "plus 1024, padding -2000": (np.maximum(head(-3024) + 1024, -1024), "values_offset_by_1024"),
    "minus 1024": (np.maximum(head() - 1024, -1024), "no_soft_tissue"),
    "minus 1000": (np.maximum(head() - 1000, -1024), "no_soft_tissue"),
    "plus 1024 in most slices": (
        head() + np.int16(1024) * (np.arange(SLICES) > 1)[:, None, None],
        "values_offset_by_1024",
    ),
    "8 bits, brain window": (grey(head(), 0, 80), "eight_bit_values"),
    "8 bits, wide window": (grey(head(), -1000, 1000), "eight_bit_values"),
    "8 bits less 1024": (grey(head(), 0, 80) - 1024, "no_soft_tissue"),
    "brain in 0": (brain_in(0), "background_zero"),
    "clipped to 0..100": (np.clip(head(), 0, 100), "background_zero"),
    "clipped to -100..300": (np.clip(head(), -100, 300), "no_air"),
    "brain in -500": (brain_in(-500), "no_air"),
    "air alone": (head()[:, :15, :15], "no_soft_tissue"),
    "times 16": (np.clip(head().astype(int) * 16, -1024, 32767), "no_soft_tissue"),
}


BAD |= {f"times {slope}": (scaled(head(), slope), "values_scaled") for slope in (0.1, 0.25, 0.5, 2)}
BAD |= {f"times {slope}, then 1024": (scaled(head() + 1024, slope), "values_scaled") for slope in (0.5, 0.33)}
BAD |= {
    "half of it, less 1024": (scaled(head() + 1024, 0.5) - 1024, "values_scaled"),
    "clipped to -1000..80": (np.clip(head(), -1000, 80), "clipped_values"),
    "read without its sign": (np.where(head() < 0, 32767, head()), "values_too_high"),
    "bright padding": (np.where(head(-3024) < -2000, 32767, head()), "values_too_high"),
}


@pytest.mark.parametrize("name", BAD)
def test_values_that_are_no_hu_are_named(name):
    hu, expected = BAD[name]
    assert hu_warning(hu) == expected and expected in NAMES


@pytest.mark.parametrize("place", range(SLICES))
@pytest.mark.parametrize("change", [lambda hu: hu + 1024, lambda hu: grey(hu, 0, 80), lambda hu: hu // 10])
def test_one_slice_in_another_unit_than_the_others_is_named(place, change):
    hu = head()
    hu[place] = change(hu[place])
    assert slices_unlike_others(hu) == [place]


@pytest.mark.parametrize("name", GOOD)
def test_slices_of_one_head_are_alike(name):
    assert slices_unlike_others(GOOD[name]) == []


def warned(scan):
    notes = read_scan(scan, 64, 40, 80)[0].notes
    return {note.reason: note for note in notes if note.action == WARNED and note.reason in NAMES}


def dicom_scan(hu, folder, **tags):
    images = ct_study(len(hu))
    for image, stored in zip(images, hu, strict=True):
        set_pixels(image, stored)
        for name, value in tags.items():
            setattr(image, name, value)
    save_all(images, folder)
    (scan,) = find(folder).scans
    return scan


def nifti_scan(hu, folder):
    volume = read_volume(save_nifti(hu, folder / "scan.nii.gz"))
    return Scan("P", "S", volume.planes, read_plane, volume.position_mm, np.ones((len(hu), 2)), np.zeros((len(hu), 5)))


def save_nifti(hu, path):
    nibabel.save(nibabel.Nifti1Image(hu.transpose(2, 1, 0).astype(np.int16), np.diag([-1, -1, 5, 1])), path)
    return path


@pytest.mark.parametrize("make", [dicom_scan, nifti_scan])
def test_scans_of_every_source_are_looked_at(tmp_path, make):
    (tmp_path / "good").mkdir()
    (tmp_path / "offset").mkdir()
    assert warned(make(head(), tmp_path / "good")) == {}
    notes = warned(make(head() + 1024, tmp_path / "offset"))
    assert notes.keys() == {"values_offset_by_1024"}
    assert notes["values_offset_by_1024"].index is None  # of the scan as a whole


def test_an_intercept_that_is_told_makes_hu_of_the_same_values(tmp_path):
    assert warned(dicom_scan(head() + 1024, tmp_path, RescaleIntercept="-1024")) == {}


def test_the_phantom_is_not_accused(tmp_path):
    write_phantom(tmp_path / "phantom", 3, 5, 64)
    for scan in find(tmp_path / "phantom").scans:
        assert warned(scan) == {}
