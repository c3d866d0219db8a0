"""A scan as a tilted scanner sends it: thin slices below, thick ones above, names shuffled, other files in between."""

import json
import random

import numpy as np
import pytest
from ct_files import KEY, SIDE, WINDOW_HU, ct_slice, save, set_pixels
from inventories import find
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from hohoho.check.report import check
from hohoho.ingest.ingest import ingest
from hohoho.slices.store import read_study_table

TILT_DEG, PADDING = 18.5, -1500
GAPS_MM = [4.0] * 13 + [1.08] + [7.0] * 13  # along the normal


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    root, rng = tmp_path_factory.mktemp("tree"), np.random.default_rng(0)
    angle = np.radians(TILT_DEG)
    z_mm = np.append(0, np.cumsum(GAPS_MM)) / np.cos(angle)  # the table moves along z
    names = random.Random(1).sample(range(10**6), len(z_mm))
    for number, (z, name) in enumerate(zip(z_mm.tolist(), names, strict=True), 1):
        image = ct_slice(number, z)
        stored = rng.integers(-1000, 2000, (SIDE, SIDE), dtype=np.int16)
        stored[0], stored[1, 0] = PADDING, 30
        set_pixels(image, stored)
        image.add_new("PixelPaddingValue", "SS", PADDING)
        image.ImagePositionPatient = [-8, -8, round(z, 6)]
        image.ImageOrientationPatient = [1, 0, 0, 0, round(np.cos(angle), 7), round(-np.sin(angle), 7)]
        image.SliceThickness, image.InstanceNumber = "4" if number < 15 else "7", str(len(z_mm) + 1 - number)
        save(image, root / f"{name % 3}" / str(name))
    add_company(root)
    return root


def add_company(root):
    """A scout, a dose page, a text file and a DICOMDIR."""
    scout, dose, directory = ct_slice(90, 0), ct_slice(91, 0), Dataset()
    scout.ImageType, scout.SeriesInstanceUID = ["ORIGINAL", "PRIMARY", "LOCALIZER"], "1.2.3.5"
    dose.SOPClassUID, dose.SeriesInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "1.2.3.6"
    directory.file_meta = FileMetaDataset()
    directory.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    directory.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    directory.file_meta.MediaStorageSOPInstanceUID = "1.2.3.99"
    directory.FileSetID, directory.DirectoryRecordSequence = "DISC", []
    for name, each in {"scout": scout, "dose": dose, "DICOMDIR": directory}.items():
        save(each, root / name)
    (root / "readme.txt").write_text("no image, only words " * 20)


def test_slices_are_in_order_and_gaps_and_tilt_are_those_of_the_scanner(tree):
    (scan,) = find(tree).scans
    assert [int(header.sop_uid.rsplit(".", 1)[1]) for header in scan.images] == list(range(1, 29))
    assert np.allclose(np.diff(scan.position_mm), GAPS_MM, atol=1e-3)
    assert scan.tilt_deg == pytest.approx(TILT_DEG, abs=1e-4)


def test_padding_ends_at_air(tree):
    (scan,) = find(tree).scans
    for image in scan.images:
        hu, repairs = scan.read_slice(image)
        assert (hu[0] == -1024).all() and hu[1, 0] == 30 and repairs == ("padding",)


def test_the_report_has_one_line_for_everything(tree, tmp_path):
    lines = ingest(find(tree), tmp_path, SIDE, WINDOW_HU, KEY).lines
    assert lines[["action", "reason", "count"]].values.tolist() == [
        ["repaired", "gantry_tilt", 1],
        ["repaired", "padding", 28],
        ["repaired", "reversed_instance_numbers", 1],
        *(["skipped", reason, 1] for reason in ("dicomdir", "localizer", "not_ct", "not_dicom")),
        ["warned", "uneven_gaps", 1],
        ["warned", "varying_thickness", 1],
    ]
    study = read_study_table(tmp_path).iloc[0]
    assert study[["gap_mm_min", "gap_mm_median", "gap_mm_max"]].tolist() == pytest.approx([1.08, 4.0, 7.0], abs=1e-3)


def test_check_tells_the_same(tree):
    report = json.loads(json.dumps(check(tree)))
    (series,) = report["series"]
    assert (series["n_slices"], series["tilt_deg"], series["gap_mm"]) == (
        28,
        18.5,
        {"min": 1.08, "median": 4, "max": 7},
    )
    assert series["hu"]["min"] == -1024 and series["thickness_mm"] == 5.5
    assert sorted(entry["file"] for entry in report["skipped"]) == ["DICOMDIR", "dose", "readme.txt", "scout"]
