"""`hohoho check` says what ingest does, of every file and series, and leaves everything as it was."""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter

import numpy as np
import pydicom
import pytest
from ct_files import (
    KEY,
    SIDE,
    WINDOW_HU,
    ct_slice,
    ct_study,
    dicom_directory,
    enhanced,
    fingerprint,
    save,
    save_all,
    set_pixels,
)
from inventories import find
from pydicom.encaps import encapsulate
from pydicom.uid import RLELossless

from hohoho.check.command import add_commands
from hohoho.check.report import ALL_USABLE, NOTHING_USABLE, SOME_USABLE, check, exit_code
from hohoho.check.table import as_text
from hohoho.errors import InputError
from hohoho.ingest.ingest import ingest
from hohoho.slices.store import read_study_table

SCOUT, CORONAL, TILTED = ["ORIGINAL", "PRIMARY", "LOCALIZER"], [1, 0, 0, 0, 0, -1], [1, 0, 0, 0, 0.9483237, -0.3173047]


def series(slices, study, number, gap_mm=5.0, **tags):
    """Images of one series, every slice with its own pixels. tags: set on all of them."""
    rng = np.random.default_rng([number, *map(ord, study)])
    images = ct_study(slices, gap_mm)
    for image in images:
        image.StudyInstanceUID, image.SeriesInstanceUID = study, f"{study}.{number}"
        image.SOPInstanceUID, image.PatientID = f"{study}.{number}.{image.InstanceNumber}", f"P{study}"
        set_pixels(image, rng.integers(-20, 100, (SIDE, SIDE), dtype=np.int16))
        for name, value in tags.items():
            setattr(image, name, value)
    return images


def along(images, axis):
    """The images, one mm after the other along x, y or z."""
    for place, image in enumerate(images):
        image.ImagePositionPatient = [*np.eye(3)[axis] * place]
    return images


def dose_report():
    report = ct_slice(98, 0)
    report.SOPClassUID, report.Modality = "1.2.840.10008.5.1.4.1.1.88.67", "SR"
    del report.PixelData
    return report


def broken_rle(image):
    image.PixelData = encapsulate([b"\x07" * 64])
    image.file_meta.TransferSyntaxUID = RLELossless
    image["PixelData"].is_undefined_length = True
    return image


def fill(root):
    """A tree as hospitals send them: three studies, and nearly all that can go wrong with one."""
    soft = series(9, "1.7", 1)
    del soft[3]
    twin = series(9, "1.7", 1)[0]
    twin.SOPInstanceUID = "1.7.1.77"
    bone = series(20, "1.7", 2, gap_mm=1.0, ConvolutionKernel="BONE", SliceThickness="1")
    coronal = along(series(4, "1.7", 3, ImageOrientationPatient=CORONAL), 1)
    rest = [*series(1, "1.7", 4, ImageType=SCOUT), *series(1, "1.7", 5), dose_report()]
    tilted = series(6, "1.8", 1, ImageOrientationPatient=TILTED, ImageType=["ORIGINAL", "PRIMARY", "AXIAL"])
    broken_rle(tilted[5])
    constant = series(3, "1.9", 1)
    for image in constant:
        set_pixels(image, np.zeros((SIDE, SIDE), np.int16))
    images = [*soft, twin, *bone, *coronal, *rest, *tilted, *constant]
    names = random.Random(0).sample(range(10**6), len(images))
    paths = [save(image, root / str(name % 3) / f"{name}") for image, name in zip(images, names, strict=True)]
    paths[7].write_bytes(paths[7].read_bytes()[:-100])
    shutil.copy(paths[1], root / "again")
    (root / "notes.txt").write_text("no image")
    (root / "nothing").touch()
    (root / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    save(dicom_directory(), root / "DICOMDIR")
    return root


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return fill(tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="module")
def report(tree):
    return check(tree)


def by_name(report):
    return {series["series"]: series for series in report["series"]}


def run(*arguments):
    """Exit code of the command."""
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers())
    options = parser.parse_args(["check", *map(str, arguments)])
    try:
        options.run(options)
    except SystemExit as stopped:
        return stopped.code
    return 0


def test_check_keeps_skips_and_warns_exactly_as_ingest_does(tree, report, tmp_path):
    inventory = find(tree)
    counts = ingest(inventory, tmp_path / "store", SIDE, WINDOW_HU, KEY).counts
    kept = [series for series in report["series"] if series["kept"]]
    assert report["files"] == counts["files"]
    assert sum(series["n_slices"] for series in kept) == counts["slices"]
    assert Counter(entry["reason"] for entry in report["skipped"]) == counts["skipped"]
    assert {warning for series in kept for warning in series["warnings"]} == set(counts["warned"])
    repairs = {repair for series in kept for repair in series["repairs"]}
    assert repairs | {entry["reason"] for entry in report["copies"]} == set(counts["repaired"])


def test_check_lists_the_slices_that_ingest_stores_in_its_order_with_its_geometry(tree, report, tmp_path):
    inventory = find(tree)
    ingest(inventory, tmp_path / "store", SIDE, WINDOW_HU, KEY)
    studies = read_study_table(tmp_path / "store").set_index("slices")
    paths = {tuple(os.path.relpath(header.path, tree) for header in scan.images) for scan in inventory.scans}
    for series in (series for series in report["series"] if series["kept"]):
        assert any(set(series["files"]) <= set(each) for each in paths)
        assert any(series["files"] == [file for file in each if file in series["files"]] for each in paths)
        row = studies.loc[series["n_slices"]]
        told = [*series["gap_mm"].values(), series["tilt_deg"], series["thickness_mm"]]
        columns = ["gap_mm_min", "gap_mm_median", "gap_mm_max", "tilt_deg", "thickness_mm"]
        assert told == pytest.approx(row[columns].astype(float).tolist(), abs=1e-3)
        assert series["kernel"] == row["kernel"]


def test_every_file_is_in_a_kept_series_or_skipped_or_a_copy(tree, report):
    told = [file for series in report["series"] if series["kept"] for file in series["files"]]
    told += [entry["file"] for kind in ("skipped", "copies", "refused") for entry in report[kind]]
    assert sorted(told) == sorted(path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file())


def test_every_series_of_a_study_is_listed_with_the_reason_why_it_is_left(report):
    reasons = {name: series["reason"] for name, series in by_name(report).items()}
    assert reasons == {
        "1.1": None,
        "1.2": "other_series: 1.1 has the softer kernel",
        "1.3": "not_axial",
        "1.4": "single_image",
        "2.1": None,
        "3.1": "no_usable_pixels",
    }
    assert {study["study"]: study["series"] for study in report["studies"]} == {"1": "1.1", "2": "2.1", "3": None}
    assert [series["n_slices"] for series in report["series"]] == [7, 20, 4, 1, 5, 0]


@pytest.mark.parametrize(
    ("other", "advantage"),
    [
        ({"SliceThickness": "1"}, "a thickness nearer 5 mm"),
        ({"ConvolutionKernel": "H70s"}, "the softer kernel"),
        ({}, "the smaller UID"),
    ],
)
def test_the_reason_names_what_the_chosen_series_has_over_the_others(tmp_path, other, advantage):
    save_all(series(5, "1.7", 1) + series(5, "1.7", 2, **other), tmp_path)
    assert by_name(check(tmp_path))["1.2"]["reason"] == f"other_series: 1.1 has {advantage}"


def test_a_preferred_kernel_is_chosen_as_ingest_is_told_to(tmp_path):
    save_all(series(5, "1.7", 1) + series(5, "1.7", 2, ConvolutionKernel="BONE"), tmp_path)
    report = check(tmp_path, preferred_kernel="bone")
    assert [each["kernel"] for each in report["series"] if each["kept"]] == ["BONE"]
    assert by_name(report)["1.2"]["reason"] == "other_series: 1.1 has the preferred kernel"


def test_frames_of_one_file_are_a_series(tmp_path):
    save(enhanced(series(5, "1.7", 1)), tmp_path / "frames")
    (told,) = check(tmp_path)["series"]
    assert (told["n_slices"], told["files"], told["repairs"]) == (5, ["frames"] * 5, ["multi_frame"])
    assert told["hu"]["min"] < told["hu"]["max"]


def test_of_two_series_alike_the_longer_is_chosen(tmp_path):
    save_all(series(5, "1.7", 1) + series(6, "1.7", 2), tmp_path)
    first, second = check(tmp_path)["series"]
    assert (first["n_slices"], second["reason"]) == (6, "other_series: 1.1 has more slices")


def test_two_acquisitions_at_the_same_places_are_two_series(tmp_path):
    late = series(5, "1.7", 1, AcquisitionNumber="2")
    for image in late:
        image.SOPInstanceUID += "9"
    save_all(series(5, "1.7", 1, AcquisitionNumber="1") + late, tmp_path)
    report = check(tmp_path)
    assert [each["n_slices"] for each in report["series"]] == [5, 5]
    assert report["series"][1]["reason"] == "other_series: 1.1 has the earlier acquisition"


def test_a_missing_slice_is_placed(tmp_path):
    images = series(9, "1.7", 1)
    save_all(images[:6] + images[7:], tmp_path)
    report = check(tmp_path)
    assert report["series"][0]["missing_below"] == [6]
    assert report["series"][0]["gap_mm"] == {"min": 5.0, "median": 5.0, "max": 10.0}
    assert "missing slice below slice 7 of 8" in as_text(report, 1)


def test_hu_are_those_behind_padding_and_rescale(tmp_path):
    images = series(3, "1.7", 1, RescaleIntercept="-1000", PixelPaddingValue=-2000)
    for image in images:
        stored = np.full((SIDE, 2 * SIDE), 1040, np.int16)
        stored[0], stored[1, 0] = -2000, 2500
        set_pixels(image, stored)
    save_all(images, tmp_path)
    (told,) = check(tmp_path)["series"]
    assert (told["rows"], told["cols"], told["hu"]) == (SIDE, 2 * SIDE, {"min": -1024, "max": 1500})
    assert (told["warnings"], told["repairs"]) == (["not_square"], ["padding"])


def test_two_patients_with_the_same_pixels_are_both_warned_of(tmp_path):
    first, second, other = series(3, "1.7", 1), series(3, "1.8", 1), series(3, "1.9", 1)
    second[0].PixelData = first[0].PixelData
    save_all(first + second + other, tmp_path)
    warned = {told["study"]: told["warnings"] for told in check(tmp_path)["series"]}
    assert warned == {"1": ["same_pixels_as_another_patient"], "2": ["same_pixels_as_another_patient"], "3": []}


def test_a_missing_rescale_is_assumed_where_ingest_is_told_to(tmp_path):
    images = series(3, "1.7", 1)
    for image in images:
        del image.RescaleSlope, image.RescaleIntercept
    save_all(images, tmp_path)
    assert {entry["reason"] for entry in check(tmp_path)["skipped"]} == {"no_rescale"}
    assert check(tmp_path, (1, -24))["series"][0]["repairs"] == ["assumed_rescale"]


def test_slices_without_any_position_are_a_series_that_is_left(tmp_path):
    images = series(3, "1.7", 1)
    for image in images:
        del image.ImagePositionPatient, image.InstanceNumber
    save_all(images, tmp_path)
    (told,) = check(tmp_path)["series"]
    assert (told["reason"], told["n_slices"], told["gap_mm"]["median"]) == ("no_position", 3, None)


def test_the_report_depends_on_no_order_of_folders_no_place_and_no_number_of_workers(
    tree, report, tmp_path, monkeypatch
):
    assert check(tree, workers=2) == report
    walk = os.walk

    def backwards(*arguments, **options):
        for folder, subfolders, names in walk(*arguments, **options):
            subfolders.reverse()
            yield folder, subfolders, sorted(names, reverse=True)

    monkeypatch.setattr(os, "walk", backwards)
    shutil.copytree(tree, tmp_path / "elsewhere")
    assert json.dumps(check(tmp_path / "elsewhere")) == json.dumps(report)


def clean(folder):
    save_all(series(4, "1.7", 1), folder)


def with_copy(folder):
    save(series(4, "1.7", 1)[0], folder / "again")
    clean(folder)


def with_text(folder):
    clean(folder)
    (folder / "notes.txt").write_text("no image")


def with_gap(folder):
    save_all(series(4, "1.7", 1)[:2] + series(4, "1.7", 1)[3:], folder)


def text_only(folder):
    (folder / "notes.txt").write_text("no image")


def constant_only(folder):
    images = series(2, "1.7", 1)
    for image in images:
        set_pixels(image, np.zeros((SIDE, SIDE), np.int16))
    save_all(images, folder)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (clean, ALL_USABLE),
        (with_copy, ALL_USABLE),
        (with_text, SOME_USABLE),
        (with_gap, SOME_USABLE),
        (fill, SOME_USABLE),
        (text_only, NOTHING_USABLE),
        (constant_only, NOTHING_USABLE),
        (lambda folder: None, NOTHING_USABLE),
    ],
)
def test_the_exit_code_says_how_much_is_usable(tmp_path, capsys, make, code):
    make(tmp_path)
    assert run(tmp_path) == code == exit_code(check(tmp_path))
    assert f"exit code {code}" in capsys.readouterr().out


def test_nothing_is_written_but_the_json(tree, report, tmp_path, monkeypatch):
    home, out = tmp_path / "home", tmp_path / "out"
    home.mkdir()
    out.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(out)
    before = fingerprint(tree)
    run(tree)
    assert [*home.rglob("*"), *out.rglob("*")] == []
    run(tree, "--source", "dicom", "--json", "report.json")
    assert [path.name for path in out.rglob("*")] == ["report.json"]
    assert json.loads((out / "report.json").read_text()) == report
    assert fingerprint(tree) == before


def test_no_name_id_date_or_uid_is_told(tree, report):
    header = pydicom.dcmread(tree / "again")
    secret = [header.PatientName, header.PatientID, header.StudyDate, header.SOPInstanceUID, header.SeriesInstanceUID]
    told = json.dumps(report) + as_text(report, 1)
    assert [str(value) for value in secret if str(value) in told] == []


def test_the_table_fits_100_columns_and_no_file_name_steers_the_terminal(tmp_path):
    clean(tmp_path)
    for name in (b"\x1b[2Jred", b"caf\xe9", b"two\nlines", *(b"long" * 40 + b"%d" % i for i in range(9))):
        (tmp_path / os.fsdecode(name)).write_text("no image")
    report = check(tmp_path)
    text = as_text(report, exit_code(report))
    assert max(map(len, text.splitlines())) <= 100
    assert text.isascii() or set(text) - set(map(chr, range(128))) <= {"…", "°"}
    assert "\x1b" not in text and "?[2Jred, " in text and "name not utf8             caf?" in text
    assert json.loads(json.dumps(report)) == report


@pytest.mark.parametrize("make", [lambda root: None, lambda root: root.write_text("a file")])
def test_a_root_that_is_no_folder_is_refused(tmp_path, make):
    make(tmp_path / "root")
    with pytest.raises(InputError, match="root does not exist or is no folder"):
        run(tmp_path / "root")


def test_refused_studies_are_named_by_check_and_stop_a_strict_ingest(tmp_path):
    two_patients, good, under_one_uid = (series(3, f"1.{study}", 1) for study in (7, 8, 9))
    two_patients[1].PatientID = "another"
    under_one_uid[2].SOPInstanceUID = under_one_uid[1].SOPInstanceUID
    paths = save_all(two_patients + good + under_one_uid, tmp_path)
    report = check(tmp_path)
    reasons = dict.fromkeys([path.name for path in paths[:3]], "two_patients_in_study")
    reasons |= {path.name: "one_uid_two_images" for path in paths[7:]}
    assert {entry["file"]: entry["reason"] for entry in report["refused"]} == reasons
    assert [study["verdict"] for study in report["studies"]] == ["refused", "taken", "refused"]
    assert [series["kept"] for series in report["series"]] == [False, True, False]
    assert exit_code(report) == SOME_USABLE
    assert "two patients in study" in as_text(report, SOME_USABLE)
    with pytest.raises(InputError, match="2 studies are refused: .*two_patients_in_study.*ingest.strict"):
        ingest(find(tmp_path), tmp_path / "store", 64, WINDOW_HU, KEY, strict=True)


def test_a_report_that_cannot_be_written_is_an_error_with_its_name(tmp_path):
    clean(tmp_path / "in")
    (tmp_path / "taken").mkdir()
    with pytest.raises(InputError, match="taken cannot be written"):
        run(tmp_path / "in", "--json", tmp_path / "taken")


def test_check_starts_without_torch():
    code = "import sys, hohoho.check.report, hohoho.check.table, hohoho.check.command; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_terminal_that_knows_ascii_alone_shows_the_report(tmp_path):
    clean(tmp_path)
    command = [sys.executable, "-m", "hohoho.cli", "check", tmp_path]
    done = subprocess.run(command, env=os.environ | {"PYTHONIOENCODING": "ascii"}, capture_output=True, check=False)
    assert done.returncode == 0 and b"0.0?" in done.stdout
