"""`hohoho adopt`: labelled scans of another place test a package and recalibrate it, and nobody does both."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from ct_files import save_all, set_pixels
from finished_run import finished_run
from hypothesis import given, settings
from hypothesis import strategies as st
from new_heads import head
from scipy.special import expit

from hohoho.adopt.findings import more_scans
from hohoho.adopt.recalibrate import new_threshold, recalibrate
from hohoho.adopt.scans import FEWEST, PARTS, PARTS_OF_MANY, TESTS, LabelledScans, parts
from hohoho.adopt.shift import grey_distance_hu, mean_hu, shifts
from hohoho.cli import main
from hohoho.errors import InputError
from hohoho.inference.table import prediction_table
from hohoho.labels import LABELS
from hohoho.predict.models import load_models
from hohoho.scores.evaluation import evaluate
from hohoho.scores.predictions import fit, read_fitted
from hohoho.scores.scans import Settings
from hohoho.scores.truth import truth_of
from hohoho.slices.split import CALIBRATION

WINDOW = (40, 80)
HOW = Settings(0.5, False, 0, 0)
PATIENTS, SLICES = 120, 8


def scans_of(bleeding, seed=0):
    """(scans) index study, columns patient and any: of each patient one scan, of every fifth two."""
    rows = [(f"s{n}.{k}", f"p{n}", float(bleeds)) for n, bleeds in enumerate(bleeding) for k in range(1 + (n % 5 == 0))]
    table = pd.DataFrame(rows, columns=["study", "patient", "any"]).sample(frac=1, random_state=seed)
    return table.set_index("study")


@settings(max_examples=60, deadline=None)
@given(st.integers(FEWEST, 300), st.integers(FEWEST, 300), st.integers(0, 5), st.integers(1, 80))
def test_every_patient_has_one_part_and_the_parts_are_alike(with_bleed, without, seed, aside):
    drawn = parts(scans_of([True] * with_bleed + [False] * without), seed, aside)
    assert drawn.equals(parts(scans_of([True] * with_bleed + [False] * without, seed=3), seed, aside))
    assert len(drawn) == drawn.index.nunique() == with_bleed + without
    numbers = drawn.index.str[1:].astype(int)
    for group, size in ((numbers < with_bleed, with_bleed), (numbers >= with_bleed, without)):
        counts = drawn[group].value_counts()
        shares = PARTS_OF_MANY if CALIBRATION in counts else PARTS
        assert all(abs(counts[name] - share * size) <= 1 for name, share in shares.items())
        if CALIBRATION in counts:
            assert counts[CALIBRATION] >= aside - 1
    assert ((drawn == CALIBRATION).any()) == (min(with_bleed, without) * PARTS_OF_MANY[CALIBRATION] >= aside)


@pytest.mark.parametrize("counts", [(FEWEST - 1, 50), (50, FEWEST - 1), (0, 50), (50, 0)])
def test_too_few_labelled_patients_are_refused_with_their_number(counts):
    scans = scans_of([True] * counts[0] + [False] * counts[1])
    scans.loc["unknown", ["patient", "any"]] = "p999", np.nan
    with pytest.raises(InputError, match=f"{counts[0]} patients with a bleed and {counts[1]} without"):
        parts(scans, 0, 59)


def elsewhere(slope, shift, seed=0, classes=LABELS):
    """Predictions of 120 patients by a model that is calibrated but for slope and shift of its logits, and studies."""
    rng, study = np.random.default_rng(seed), np.repeat([f"s{n:03d}" for n in range(PATIENTS)], SLICES)
    truth = rng.normal(-1.5, 2, (PATIENTS * SLICES, len(LABELS)))
    labels = (rng.random(truth.shape) < expit(truth)).astype(np.float32)
    labels[np.repeat(rng.random(PATIENTS) < 0.5, SLICES)] = 0
    labels[:, [label not in classes for label in LABELS]] = 0
    table = pd.DataFrame({"study": study, "patient": study, "index": np.tile(np.arange(SLICES), PATIENTS)})
    table = table.assign(position_mm=5.0, level=0, missing_before=False, **dict(zip(LABELS, labels.T, strict=True)))
    split = pd.Series(np.repeat(np.array(["val", "calibration", "test"])[np.arange(PATIENTS) % 3], SLICES))
    raw = expit((truth - shift) / slope)
    return prediction_table(table, split, {"cnn": raw}), studies_like(study)


def studies_like(study):
    names = {"study": np.unique(study), "kernel": "H30s", "manufacturer": "ACME", "age_band": "60-69", "sex": "F"}
    numbers = {"slices": SLICES, "tilt_deg": 0.0, "thickness_mm": 5.0, "gap_mm_median": 5.0, "small": False}
    return pd.DataFrame(names | numbers | {"split": None})


def record_of(table, studies):
    return evaluate(table, studies, HOW).calibration


@pytest.mark.parametrize(("slope", "shift"), [(2.0, 0.0), (1.0, 2.0), (0.5, -1.5), (3.0, 1.0)])
def test_calibration_comes_back_and_the_order_within_a_class_stays(slope, shift):
    record = record_of(*elsewhere(1, 0, seed=1))
    table, studies = elsewhere(slope, shift)
    old = {"cnn": read_fitted(record, "cnn")}
    new = recalibrate(table, studies, record, HOW)
    before, after = (evaluate(table, studies, HOW, fitted=fitted).details for fitted in (old, new))
    errors = [each["calibration"]["cnn"]["test"]["micro"]["ece_calibrated"] for each in (before, after)]
    native = evaluate(*elsewhere(1, 0), HOW)
    error = native.details["calibration"]["cnn"]["test"]["micro"]["ece_calibrated"]
    assert errors[1] == pytest.approx(error, abs=0.005) and errors[0] > 1.3 * error
    for label in LABELS:
        auroc = [each["slices"]["cnn"]["test"][label]["auroc"]["value"] for each in (before, after)]
        assert auroc[0] == auroc[1]
    assert new["cnn"].limits.split == "calibration"
    undone = new["cnn"].calibration.temperature * slope
    np.testing.assert_allclose(undone, list(native.calibration["models"]["cnn"]["temperature"].values()), rtol=0.1)


def test_a_class_that_is_not_seen_here_keeps_what_it_had():
    record = record_of(*elsewhere(1, 0, seed=1))
    table, studies = elsewhere(2, 1, classes=LABELS[:4])
    old, new = read_fitted(record, "cnn"), recalibrate(table, studies, record, HOW)["cnn"]
    kept = [old.calibration.temperature[4], old.calibration.bias[4], old.scan_model.bias[4]]
    assert kept == [new.calibration.temperature[4], new.calibration.bias[4], new.scan_model.bias[4]]
    assert not np.isclose(old.calibration.temperature[:4], new.calibration.temperature[:4]).any()
    assert old.scan_model.thresholds["youden"][4] == new.scan_model.thresholds["youden"][4]


def test_a_record_says_all_that_was_fitted():
    table, studies = elsewhere(1, 0)
    again = read_fitted(record_of(table, studies), "cnn")
    fresh = fit(truth_of(table, studies), "cnn")
    np.testing.assert_array_equal(again.calibration.temperature, fresh.calibration.temperature)
    np.testing.assert_array_equal(again.scan_model.bias, fresh.scan_model.bias)


def test_the_new_threshold_is_the_best_of_validation_and_none_without_labels():
    table, studies = elsewhere(1, 0)
    assert 0 < new_threshold(table, studies, "cnn") < 0.5  # a missed bleed weighs four times a false alarm
    assert new_threshold(table.assign(**dict.fromkeys(LABELS, np.nan)), studies, "cnn") is None


@pytest.mark.parametrize("patients", [40, 100])
def test_three_times_as_many_more_patients_halve_the_interval(patients):
    def width(count):
        found = np.random.default_rng(0).binomial(count, 0.8, 4000) / count
        return np.diff(np.percentile(found, [2.5, 97.5]))[0]

    score = {"value": 0.8, "low": 0.7, "high": 0.9, "patients": patients}
    assert f"{3 * patients} more" in more_scans("recall", score)
    assert width(patients + 3 * patients) == pytest.approx(width(patients) / 2, rel=0.1)


@pytest.mark.parametrize(("patients", "why"), [(None, "0 patients"), (19, "19 patients"), (60, "same for each of 60")])
def test_where_there_is_no_interval_the_reason_is_told(patients, why):
    assert why in more_scans("recall", {"value": 1.0, "low": None, "high": None, "patients": patients})


@pytest.mark.parametrize("moved", [0, 5, 20])
def test_histograms_are_compared_in_hu_and_only_within_the_window(moved):
    grey = np.random.default_rng(0).normal(100, 10, 200_000).astype(int)
    levels = round(moved / 80 * 255)
    one, other = (np.bincount(values, minlength=256) / len(values) for values in (grey, grey + levels))
    other[0] += 7  # more air
    other /= other.sum()
    assert grey_distance_hu(one, other, WINDOW) == pytest.approx(moved, abs=0.2)
    assert mean_hu(other, WINDOW) - mean_hu(one, WINDOW) == pytest.approx(moved, abs=0.2)


def test_names_of_few_patients_are_not_told_and_new_ones_are_marked(run):
    models = load_models(run / "models")
    kernels = ["H30s"] * 6 + ["SHARP"] * 5 + ["RARE"] * 2
    studies = pd.DataFrame({"study": range(13), "patient": range(13), "kernel": kernels, "manufacturer": None})
    studies["gap_mm_median"] = 5.0
    slices = pd.DataFrame({label: [0.0, 1.0] for label in LABELS})
    trained = {"labelled": 10, "positives": dict.fromkeys(LABELS, 1)}
    here = LabelledScans(slices, studies, np.ones(13), np.full(256, 1 / 256), {})
    lines = shifts(models, here, slices, trained)
    told = {line.what: (line.training, line.here) for line in lines}
    assert told["kernels"] == ("H30s", "H30s: 6, SHARP (new): 5, of few patients each: 2")
    assert told["slices with edh"] == ("10.0%", "50.0%")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return finished_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """Twelve heads of six slices, half of them with blood somewhere, and a CSV."""
    folder, rows, rng = tmp_path_factory.mktemp("labelled"), [], np.random.default_rng(0)
    for number in range(12):
        images = head(f"1.{number + 10}", slices=6)
        for image in images:  # the same head twice would be one patient
            hu = np.frombuffer(image.PixelData, np.int16).reshape(image.Rows, image.Columns)
            set_pixels(image, np.where(hu > 0, hu + rng.integers(0, 9, hu.shape), hu).astype(np.int16))
        save_all(images, folder / "scans" / str(number))
        for place, image in enumerate(images):
            bleeds = number % 2 and place in (2, 3)
            rows.append([image.SOPInstanceUID, *(int(bleeds and label in ("ich", "sdh")) for label in LABELS)])
    pd.DataFrame(rows, columns=["SOPInstanceUID", *LABELS]).to_csv(folder / "labels.csv", index=False)
    return folder


def adopted(labelled, model, out, *options):
    request = ["adopt", str(labelled / "scans"), "--labels", str(labelled / "labels.csv"), "--model", str(model)]
    main([*request, "--out", str(out), *options])
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_a_package_is_tested_recalibrated_and_predicts(run, labelled, tmp_path, capsys):
    main(["export", "--run", str(run), "--out", str(tmp_path / "package")])
    before = {path: path.read_bytes() for path in (tmp_path / "package").rglob("*") if path.is_file()}
    files = adopted(labelled, tmp_path / "package", tmp_path / "new")
    assert "12 labelled scans of 12 patients, 6 with a bleed" in capsys.readouterr().out
    assert files == adopted(labelled, tmp_path / "package", tmp_path / "again")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "new", "package"]
    assert before == {path: path.read_bytes() for path in (tmp_path / "package").rglob("*") if path.is_file()}

    found = json.loads(files["adoption.json"])
    assert found["patients"][TESTS] == 4 and sum(found["patients"].values()) == 12
    old, new = (json.loads((tmp_path / name / "calibration.json").read_text()) for name in ("package", "new"))
    assert old["model_sha256"] == new["model_sha256"] and old["models"] != new["models"]
    assert new["threshold"] == found["threshold"]["after"]
    card = files["README.md"].decode()
    assert "CLAIM" in card and "Adopted for other scans" in card
    assert json.loads(files["package.json"])["adopted"]["scans"] == 12
    for name, content in files.items():
        assert b"P1.1" not in content and str(labelled).encode() not in content, name  # neither patients nor paths

    main(["predict", str(labelled / "scans/1"), "--model", str(tmp_path / "new"), "--out", str(tmp_path / "answer")])
    said = json.loads((tmp_path / "answer/prediction.json").read_text())
    assert said["calibration"]["threshold"] == new["threshold"]


def test_plain_models_are_adopted_too_and_uncalibrated_ones_are_not(run, labelled, tmp_path):
    files = adopted(labelled, run / "models", tmp_path / "new")
    assert json.loads(files["adoption.json"])["own_test"] is None
    with pytest.raises(InputError, match="exists"):
        load_and_adopt(labelled, run / "models", tmp_path / "new")
    adopted(labelled, run / "models", tmp_path / "new", "--force")
    models = shutil.copytree(run / "models", tmp_path / "models")
    (models / "calibration.json").unlink()
    with pytest.raises(InputError, match="has no calibration"):
        load_and_adopt(labelled, models, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def load_and_adopt(labelled, model, out):
    from hohoho.adopt.adopt import adopt

    adopt(labelled / "scans", labelled / "labels.csv", "dicom", model, out)


def test_scans_without_labels_are_refused_and_leave_nothing(run, labelled, tmp_path):
    with pytest.raises(SystemExit):
        main(["adopt", str(labelled / "scans"), "--model", str(run / "models"), "--out", str(tmp_path / "new")])
    assert not list(tmp_path.iterdir())
