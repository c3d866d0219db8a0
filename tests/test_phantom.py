"""The head phantom: every structure has its density, every label its blood."""

import numpy as np
import pytest

from hohoho.labels import LABELS
from hohoho.phantom.bleeds import Bleeds, draw_edh, draw_ich, draw_ivh, draw_sah, draw_sdh
from hohoho.phantom.label_errors import candidates, plant_errors
from hohoho.phantom.montage import montage
from hohoho.phantom.plane import STRUCTURES, Plane
from hohoho.phantom.scanner import Scanner
from hohoho.phantom.study import POSITIVE_MM2, Patient, draw_patient, draw_study, empty_plane, paint_slice

CLEAN = Scanner(noise_hu=0.0, cupping_hu=0.0, petrous_bar_hu=0.0)


def clean_planes(patient: Patient, size: int = 128) -> list:
    """All slices of a patient as painted, before the scanner's noise."""
    rng = np.random.default_rng(0)
    acquisition = draw_study(rng, patient, 32).acquisition
    acquisition = acquisition._replace(size=size)
    planes = [empty_plane(acquisition, index) for index in range(len(acquisition.first_pixels))]
    for plane in planes:
        plane.structure = np.zeros((size, size), np.uint8)
        paint_slice(plane, patient, CLEAN, (100.0, 0.0))
    return planes


def patient_with(seed: int = 3, **bleeds) -> Patient:
    patient = draw_patient(np.random.default_rng(seed))
    head = patient.head._replace(age=0.5, leukoaraiosis_hu=0.0, sulcus_half_width_mm=1.2, ventricle_scale=1.0)
    return Patient(head, Bleeds(**bleeds), patient.lookalikes._replace(spots=()))


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
    study = draw_study(np.random.default_rng(3), patient, 40)
    assert study.hu.dtype == np.int16 and study.hu.shape == (*study.labels.shape[:1], 40, 40)
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
    together = edh._replace(direction=(60.0, 0.0, 30.0))
    patient = patient_with(
        ich=(ich._replace(centre=(38.0, 0.0, 30.0), radii=(20.0,) * 3),), sdh=(sdh._replace(side=1),), edh=(together,)
    )
    blood = draw_study(rng, patient, 64).blood
    assert blood.any(axis=(0, 2, 3))[[0, 3, 4]].all()
    assert blood.astype(int).sum(axis=1).max() <= 255 + 2


def test_planted_gaps_and_ends_are_gaps_and_ends():
    labels = np.zeros((60, 5), bool)
    labels[10:50, 2] = True
    given, errors = plant_errors(np.random.default_rng(0), [labels], 0.3)
    assert {error.kind for error in errors} == {"gap", "end", "flip"}
    assert np.count_nonzero(given != labels) == len(errors)
    for index, label, kind in errors:
        assert candidates(labels, kind)[index, label]
        if kind == "gap":
            assert given[index - 1 : index + 2, label].tolist() == [True, False, True]


@pytest.mark.parametrize("rate", [0, 0.01, 0.05, 0.3, 1])
@pytest.mark.parametrize("bleeding", [0, 2, 20])
def test_as_many_errors_are_planted_as_the_rate_says_wherever_the_bleeds_are(rate, bleeding):
    scans = [np.zeros((30, 5), bool) for _ in range(20)]
    for number, scan in enumerate(scans[:bleeding]):
        scan[number : number + 8, number % 5] = True
    given, errors = plant_errors(np.random.default_rng(1), scans, rate)
    assert len(errors) == round(rate * 600)
    changed = {(row, label) for row, label, _ in errors}
    assert set(zip(*np.nonzero(given != np.concatenate(scans)), strict=True)) == changed
    assert not {(row + 1, label) for row, label in changed} & changed
    if bleeding == 20 and rate == 0.05:
        assert np.mean([error.kind == "flip" for error in errors]) == pytest.approx(0.2, abs=0.15)


def test_the_montage_shows_twelve_slices_a_patient(tmp_path):
    import cv2

    montage(tmp_path / "picture" / "montage.png", 0, 2, 32)
    picture = cv2.imread(str(tmp_path / "picture" / "montage.png"), cv2.IMREAD_GRAYSCALE)
    assert picture.shape == (2 * 2 * (128 + 14), 6 * 128)
    assert 0.02 < np.mean(picture > 100) < 0.5


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
