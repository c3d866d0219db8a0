"""The head phantom: every structure has its density, every label its blood, every file its bytes."""

import csv
import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest

from hohoho.labels import LABELS, RSNA_SUBTYPES
from hohoho.phantom.bleeds import Bleeds, draw_edh, draw_ich, draw_ivh, draw_sah, draw_sdh
from hohoho.phantom.label_errors import candidates, plant_errors
from hohoho.phantom.montage import montage
from hohoho.phantom.plane import STRUCTURES, Plane
from hohoho.phantom.scanner import Scanner
from hohoho.phantom.study import POSITIVE_MM2, Patient, draw_patient, draw_study, empty_plane, paint_slice
from hohoho.phantom.study_files import name, read_masks
from hohoho.phantom.tree import write_phantom, write_phantom_once

PATIENTS, SIZE, SEED = 14, 48, 5
CLEAN = Scanner(noise_hu=0.0, cupping_hu=0.0, petrous_bar_hu=0.0)


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


def clean_planes(patient: Patient, size: int = 128) -> list:
    """All slices of a patient as painted, before the scanner's noise."""
    rng = np.random.default_rng(0)
    acquisition = draw_study(rng, patient, 32).acquisition
    acquisition = replace(acquisition, size=size)
    structure = np.zeros((len(acquisition.first_pixels), size, size), np.uint8)
    planes = [empty_plane(acquisition, index, structure) for index in range(len(structure))]
    for plane in planes:
        paint_slice(plane, patient, CLEAN, (100.0, 0.0))
    return planes


def patient_with(seed: int = 3, **bleeds) -> Patient:
    patient = draw_patient(np.random.default_rng(seed))
    head = replace(patient.head, age=0.5, leukoaraiosis_hu=0.0, sulcus_half_width_mm=1.2, ventricle_scale=1.0)
    return Patient(head, Bleeds(**bleeds), replace(patient.lookalikes, spots=()))


@pytest.fixture(scope="module")
def healthy() -> dict[str, np.ndarray]:
    """HU of every pixel that is one structure as a whole, by structure."""
    planes = clean_planes(patient_with())
    hu, kind = np.stack([p.hu for p in planes]), np.stack([p.structure for p in planes])
    return {name: hu[kind == index] for index, name in enumerate(STRUCTURES)}


@pytest.mark.parametrize(
    ("structure", "low", "high"),
    [
        ("skull", 500, 1600),
        ("grey", 35, 39),
        ("white", 26, 30),
        ("csf", 3, 9),
        ("ventricle", 2, 9),
        ("eye", 5, 20),
        ("air_sinus", -1000, -700),
        ("scalp_fat", -110, -50),
    ],
)
def test_each_structure_has_its_density(healthy, structure, low, high):
    values = healthy[structure]
    assert len(values) >= 20
    assert low <= np.median(values) <= high
    assert np.mean((values > low - 60) & (values < high + 60)) > 0.9


@pytest.mark.parametrize(
    ("label", "draw", "low", "high"),
    [
        ("ich", draw_ich, 47, 92),
        ("ivh", draw_ivh, 51, 84),
        ("sah", draw_sah, 50, 86),
        ("sdh", draw_sdh, 3, 91),
        ("edh", draw_edh, 58, 86),
    ],
)
def test_each_bleed_has_its_density_and_lies_inside_the_skull(label, draw, low, high):
    values, seen = [], 0
    for seed in range(4):
        bleed = draw(np.random.default_rng(seed))
        planes = clean_planes(patient_with(seed, **{label: (bleed,)}), 128)
        blood = np.stack([p.blood[LABELS.index(label)] for p in planes])
        hu = np.stack([p.hu for p in planes])
        values.append(hu[blood > 0.9])
        skull = np.stack([p.structure for p in planes]) == STRUCTURES.index("skull")
        assert not (skull & (blood > 0.5)).any()
        assert np.all(hu[blood > 0.5] > -20) and np.all(hu[blood > 0.9] < 400)
        seen += (blood.sum(axis=(1, 2)) * planes[0].pixel_mm ** 2 > POSITIVE_MM2).any()
        assert not any(np.delete(p.blood, LABELS.index(label), axis=0).any() for p in planes)
    assert seen >= 3
    values = np.concatenate(values)
    assert np.mean((values >= low) & (values <= high)) > 0.9


def test_a_slice_is_positive_from_50_square_millimetres_of_blood_that_fills_half_a_pixel_or_more():
    rng = np.random.default_rng(1)
    patient = patient_with(ich=(draw_ich(rng),), sdh=(draw_sdh(rng),))
    study = draw_study(rng, patient, 64)
    by_hand = np.array(
        [[image[image > 127].sum() / 255 * (220 / 64) ** 2 for image in of_slice] for of_slice in study.blood]
    )
    np.testing.assert_allclose(study.area_mm2, by_hand)
    np.testing.assert_array_equal(study.labels, by_hand > 50)
    assert (study.blood.any(axis=(2, 3)) & ~study.labels).any(), "an end that is too faint for a label"
    assert study.labels[:, LABELS.index("ich")].any()


def test_the_volume_is_int16_and_blood_does_not_depend_on_the_noise():
    patient = patient_with(edh=(draw_edh(np.random.default_rng(2)),))
    study = draw_study(np.random.default_rng(3), patient, 40, structures=True)
    assert study.hu.dtype == np.int16 and study.hu.shape == study.structure.shape
    assert study.hu.min() >= -1024 and study.hu.max() <= 3071
    assert np.all(np.diff(study.acquisition.positions_mm) > 0)


def test_about_a_third_of_the_patients_is_normal_and_the_classes_are_as_rare_as_in_the_papers_data():
    rngs = [np.random.default_rng(sequence) for sequence in np.random.SeedSequence(0).spawn(150)]  # the default's own
    labels = [draw_study(rng, draw_patient(rng), 48).labels for rng in rngs]
    assert 0.22 < np.mean([not of_scan.any() for of_scan in labels]) < 0.44
    positive = np.concatenate(labels).mean(axis=0)
    ratio = (1 - positive) / positive / np.array([7.5, 11, 7.6, 5, 24])
    assert np.all((ratio > 1 / 1.5) & (ratio < 1.5)), dict(zip(LABELS, ratio.round(2), strict=True))


def test_blood_that_covers_other_blood_takes_its_place_in_the_masks():
    rng = np.random.default_rng(4)
    sdh, edh, ich = draw_sdh(rng), draw_edh(rng), draw_ich(rng)
    together = replace(edh, direction=(60.0, 0.0, 30.0))
    patient = patient_with(
        ich=(replace(ich, centre=(38.0, 0.0, 30.0), radii=(20.0,) * 3),), sdh=(replace(sdh, side=1),), edh=(together,)
    )
    blood = draw_study(rng, patient, 64).blood
    assert blood.any(axis=(0, 2, 3))[[0, 3, 4]].all()
    assert blood.astype(int).sum(axis=1).max() <= 255 + 2


def digest(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


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
    assert digest(tmp_path / "one") == digest(tmp_path / "two")
    assert not set(digest(tmp_path / "one")) & {key for key in digest(tmp_path / "other") if key.endswith(".dcm")}


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
    assert len(planted) == len(differ) >= 5


def test_planted_gaps_and_ends_are_gaps_and_ends():
    labels = np.zeros((60, 5), bool)
    labels[10:50, 2] = True
    given, errors = plant_errors(np.random.default_rng(0), labels, 0.3)
    assert {error.kind for error in errors} == {"gap", "end", "flip"}
    assert np.count_nonzero(given != labels) == len(errors)
    for index, label, kind in errors:
        assert candidates(labels, kind)[index, label]
        if kind == "gap":
            assert given[index - 1 : index + 2, label].tolist() == [True, False, True]


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


def test_the_montage_shows_twelve_slices_a_patient(tmp_path):
    import cv2

    montage(tmp_path / "picture" / "montage.png", 0, 2, 32)
    picture = cv2.imread(str(tmp_path / "picture" / "montage.png"), cv2.IMREAD_GRAYSCALE)
    assert picture.shape == (2 * 2 * (128 + 14), 6 * 128)
    assert 0.02 < np.mean(picture > 100) < 0.5


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


def test_nothing_is_drawn_in_float64(monkeypatch):
    seen = set()
    paint = Plane.paint

    def watched(plane, hu, part, structure="mixed"):
        seen.update({np.asarray(part).dtype, plane.hu.dtype, plane.x.dtype})
        paint(plane, hu, part, structure)

    monkeypatch.setattr(Plane, "paint", watched)
    for seed in range(6):
        rng = np.random.default_rng(seed)
        draw_study(rng, draw_patient(rng), 32)
    assert seen == {np.dtype(np.float32)}
