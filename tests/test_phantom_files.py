"""The head phantom's files: the same seed gives the same bytes, and the tables say what the pixels show."""

import csv
from pathlib import Path

import numpy as np
import pydicom
import pytest
from ct_files import fingerprint

from hohoho.labels import LABELS, RSNA_SUBTYPES
from hohoho.phantom.population import name
from hohoho.phantom.study import draw_patient, draw_study
from hohoho.phantom.study_files import read_masks
from hohoho.phantom.tree import write_phantom, write_phantom_once

PATIENTS, SIZE, SEED = 14, 48, 5


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("phantom") / "tree"
    write_phantom(out, PATIENTS, SEED, SIZE, label_error_rate=0.05, masks=True)
    return out


@pytest.fixture(scope="module")
def truth(tree) -> list[dict]:
    return read_csv(tree / "truth" / "slices.csv")


def read_csv(path: Path) -> list[dict]:
    with path.open() as file:
        return list(csv.DictReader(file))


def given_labels(tree: Path) -> dict[str, dict[str, int]]:
    """Image id to subtype to the label in the CSV."""
    given = {}
    for row in read_csv(tree / "stage_2_train.csv"):
        image_id, subtype = row["ID"].rsplit("_", 1)
        given.setdefault(image_id, {})[subtype] = int(row["Label"])
    return given


def test_a_phantom_is_written_once_and_again_when_its_request_or_the_code_changed(tmp_path):
    def written(code, patients):
        write_phantom_once(tmp_path / "out", code, patients, 11, 32, 0.1, workers=1, progress=False)
        return {path.name: path.stat().st_ctime_ns for path in (tmp_path / "out" / "stage_2_train").iterdir()}

    first = written("code", 1)
    assert written("code", 1) == first
    assert not first.items() & written("other code", 1).items()
    assert len(written("other code", 2)) > len(first)


def test_same_seed_gives_the_same_bytes_whatever_the_number_of_workers(tmp_path):
    write_phantom(tmp_path / "one", 3, 11, 32, 0.1, workers=1, masks=True)
    write_phantom(tmp_path / "two", 3, 11, 32, 0.1, workers=2, masks=True)
    write_phantom(tmp_path / "other", 3, 12, 32, 0.1)
    assert fingerprint(tmp_path / "one") == fingerprint(tmp_path / "two")
    assert not set(fingerprint(tmp_path / "one")) & {
        key for key in fingerprint(tmp_path / "other") if key.endswith(".dcm")
    }


def test_an_older_phantom_is_replaced_as_a_whole_and_nothing_else_is(tmp_path):
    out = tmp_path / "tree"
    write_phantom(out, 2, 1, 32)
    write_phantom(out, 1, 2, 32)
    assert len({row["patient_id"] for row in read_csv(out / "truth" / "slices.csv")}) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["tree"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(ValueError, match="mine"):
        write_phantom(tmp_path / "mine", 1, 1, 32)


@pytest.mark.parametrize(
    "wrong", [{"patients": 0}, {"size": 16}, {"workers": 0}, {"label_error_rate": 1.5}, {"label_error_rate": -0.1}]
)
def test_impossible_requests_are_refused_before_any_work(tmp_path, wrong):
    request = {"patients": 1, "seed": 0, "size": 32} | wrong
    with pytest.raises(ValueError, match=next(iter(wrong))):
        write_phantom(tmp_path / "tree", **request)
    assert not list(tmp_path.iterdir())


def test_every_image_has_six_rows_and_any_is_their_or(tree, truth):
    given = given_labels(tree)
    assert sorted(given) == sorted(path.stem for path in (tree / "stage_2_train").iterdir())
    assert len(read_csv(tree / "stage_2_train.csv")) == 6 * len(given) == 6 * len(truth)
    for labels in given.values():
        assert set(labels) == {*RSNA_SUBTYPES, "any"}
        assert labels["any"] == max(labels[subtype] for subtype in RSNA_SUBTYPES)


def test_the_planted_errors_are_exactly_where_csv_and_truth_differ(tree, truth):
    given = given_labels(tree)
    differ = {
        (row["image_id"], label, row[label], str(given[row["image_id"]][subtype]))
        for row in truth
        for subtype, label in RSNA_SUBTYPES.items()
        if int(row[label]) != given[row["image_id"]][subtype]
    }
    planted = read_csv(tree / "truth" / "label_errors.csv")
    assert differ == {(row["image_id"], row["label"], row["true"], row["given"]) for row in planted}
    assert len(planted) == len(differ) == round(0.05 * len(truth))


def test_file_names_do_not_sort_in_scan_order(truth):
    names = [row["image_id"] for row in truth]
    patients = [row["patient_id"] for row in sorted(truth, key=lambda row: row["image_id"])]
    rising = np.mean([a < b for a, b in zip(names[:-1], names[1:], strict=True)])
    assert 0.3 < rising < 0.7
    assert np.mean([a == b for a, b in zip(patients[:-1], patients[1:], strict=True)]) < 0.3


def test_order_along_the_normal_recovers_the_volume_and_the_pixels_are_its_hounsfield_units(tree, truth):
    by_study = {}
    for row in truth:
        by_study.setdefault(row["study_uid"], []).append(row)
    seen = set()
    for uid, rows in by_study.items():
        images = [pydicom.dcmread(tree / "stage_2_train" / f"{row['image_id']}.dcm") for row in rows]
        assert {str(image.StudyInstanceUID) for image in images} == {uid}
        assert {str(image.PatientID) for image in images} == {rows[0]["patient_id"]}
        orientation = np.array(images[0].ImageOrientationPatient, float)
        normal = np.cross(orientation[:3], orientation[3:])
        np.testing.assert_allclose(np.linalg.norm(normal), 1, atol=1e-6)
        along = np.array([np.array(image.ImagePositionPatient, float) @ normal for image in images])
        assert np.all(np.diff(along) > 2)
        np.testing.assert_allclose(along, [float(row["position_mm"]) for row in rows], atol=0.002)
        numbers = [int(image.InstanceNumber) for image in images]
        assert sorted(numbers) == list(range(1, len(rows) + 1))
        stored = images[len(images) // 2]
        hu = stored.pixel_array * float(stored.RescaleSlope) + float(stored.RescaleIntercept)
        assert 10 < np.median(hu[hu > -200]) < 80 or np.median(hu[hu > -200]) > 300
        assert -1030 < np.median(hu[hu > -2000].reshape(-1)[:SIZE]) < -900  # the first row is air
        seen.add(("reversed", numbers[0] > numbers[-1]))
        seen.add(("tilted", abs(orientation[5]) > 0.01))
        seen.add(("signed", int(stored.PixelRepresentation)))
        seen.add(("padded", "PixelPaddingValue" in stored and int(stored.pixel_array[0, 0]) == -2000))
    for feature in ("reversed", "tilted", "signed", "padded"):
        assert len([value for name, value in seen if name == feature]) == 2, feature


def test_identifiers_are_valid_and_unique(tree):
    uids = set()
    for path in (tree / "stage_2_train").iterdir():
        image = pydicom.dcmread(path, stop_before_pixels=True)
        assert image.SOPInstanceUID.is_valid and image.StudyInstanceUID.is_valid and image.SeriesInstanceUID.is_valid
        assert image.SOPInstanceUID == image.file_meta.MediaStorageSOPInstanceUID
        uids.add(str(image.SOPInstanceUID))
    assert len(uids) == len(list((tree / "stage_2_train").iterdir()))


def test_stored_masks_show_blood_on_nearly_all_positive_slices_and_on_no_clean_one(tree, truth):
    missed = positives = 0
    for uid in {row["study_uid"] for row in truth}:
        rows = [row for row in truth if row["study_uid"] == uid]
        masks = read_masks(tree / "truth" / "masks" / f"{uid}.npz")
        assert masks.shape == (len(rows), len(LABELS), SIZE, SIZE)
        for row, of_slice in zip(rows, masks, strict=True):
            for label, mask in zip(LABELS, of_slice, strict=True):
                assert mask.sum() * (220 / SIZE) ** 2 >= float(row[f"{label}_mm2"]) - 0.01  # the visible part is in it
                positives += int(row[label])
                missed += int(row[label]) and not mask.any()
    assert missed < 0.05 * positives


def test_the_files_hold_the_drawn_hounsfield_units_and_2000_below_water_where_padded(tree, truth):
    for number, sequence in enumerate(np.random.SeedSequence(SEED).spawn(4)):
        rng = np.random.default_rng(sequence)
        study = draw_study(rng, draw_patient(rng), SIZE)
        rows = [row for row in truth if row["patient_id"] == name(8, SEED, number)][: len(study.hu)]
        images = [pydicom.dcmread(tree / "stage_2_train" / f"{row['image_id']}.dcm") for row in rows]
        for image, hu in zip(images, study.hu, strict=True):
            stored = image.pixel_array.astype(int)
            shown = stored != getattr(image, "PixelPaddingValue", None)
            assert shown.mean() > 0.75
            np.testing.assert_array_equal((stored + int(image.RescaleIntercept))[shown], hu.clip(-1024)[shown])
