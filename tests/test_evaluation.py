"""The whole record: complete, valid JSON, null where nothing is known."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.special import expit, logit
from scored_slices import predictions, studies_of
from sklearn.metrics import fbeta_score, log_loss, precision_recall_curve, roc_auc_score, roc_curve

from hohoho.errors import InputError
from hohoho.inference.table import MODEL_NAMES, probabilities_of
from hohoho.labels import LABELS
from hohoho.predict.answers import positive_slices
from hohoho.report.score_sections import calibration_section, class_section, models_section, scan_section
from hohoho.scores.calibration import calibrated
from hohoho.scores.evaluation import evaluate
from hohoho.scores.reliability import calibration_error
from hohoho.scores.scans import Settings
from hohoho.slices.split import SPLITS
from hohoho.slices.store import SCAN_LABELS, adjacent_runs, scan_bounds

TABLE = predictions(75)
TABLE.loc[TABLE["split"] == "test", "sah"] = 0
STUDIES = studies_of(TABLE)
SETTINGS = Settings(0.5, False, 100, 0)
ROOT = Path(__file__).parents[1]
FOUND = evaluate(TABLE, STUDIES, SETTINGS)


def numbers(tree):
    """Every leaf of a nested dict."""
    return [leaf for part in tree.values() for leaf in (numbers(part) if isinstance(part, dict) else [part])]


def test_the_headline_is_short_complete_and_true():
    assert len(numbers(FOUND.headline)) <= 30
    assert None not in numbers(FOUND.headline)
    for split in SPLITS:
        part = TABLE[TABLE["split"] == split]
        targets = part[LABELS].to_numpy()
        for model in ("cnn", "cnn_lstm"):
            f2 = fbeta_score(targets, probabilities_of(part, model) >= 0.5, beta=2, average="micro")
            assert FOUND.headline[model][f"f2_{split}"] == pytest.approx(f2, abs=1e-6)
        assert FOUND.headline["f2"][split] == FOUND.headline["cnn_lstm"][f"f2_{split}"]
        floor = fbeta_score(targets, np.ones_like(targets), beta=2, average="micro")
        assert FOUND.headline["all_positive"][split] == pytest.approx(floor, abs=1e-6)
    interval = FOUND.headline["f2_test_interval"]
    assert interval["low"] < FOUND.headline["f2"]["test"] < interval["high"]


def test_everything_is_valid_json_and_the_same_again():
    again = evaluate(TABLE, STUDIES, SETTINGS)
    for part in ("headline", "details", "calibration"):
        assert json.dumps(getattr(FOUND, part), allow_nan=False) == json.dumps(getattr(again, part))
    for name, curve in FOUND.curves.items():
        pd.testing.assert_frame_equal(curve, again.curves[name])


def test_the_gain_is_the_difference_of_the_two_models():
    for split in SPLITS:
        for name, scores in FOUND.details["lstm_gain"][split].items():
            for score, gain in scores.items():
                cnn, lstm = (FOUND.details["slices"][m][split][name][score]["value"] for m in ("cnn", "cnn_lstm"))
                undefined = None in (cnn, lstm)
                assert gain["value"] == (None if undefined else pytest.approx(lstm - cnn, abs=2e-6))
    assert {FOUND.details["lstm_gain"]["test"]["sah"][score]["value"] for score in ("recall", "auroc")} == {None}
    assert FOUND.details["lstm_gain"]["train"]["micro"]["f2"]["low"] is None


def test_curves_are_scikit_learns_at_every_point_of_their_grid():
    part = TABLE[TABLE["split"] == "test"]
    targets, probabilities = part[LABELS].to_numpy().ravel(), probabilities_of(part, "cnn").astype(float).ravel()
    precision, recall, _ = precision_recall_curve(targets, probabilities)
    found = FOUND.curves["precision_recall"]
    expected = [precision[recall >= r].max() for r in found["recall"]]
    assert found["cnn_test"].to_numpy() == pytest.approx(expected, abs=1e-6)
    rate, true_rate, _ = roc_curve(targets, probabilities, drop_intermediate=False)
    found = FOUND.curves["roc"]
    expected = np.interp(found["false_positive_rate"], rate, true_rate)
    assert found["cnn_test"].to_numpy() == pytest.approx(expected, abs=1e-6)


def test_a_row_without_an_lstm_has_no_gain_and_the_same_curves():
    table = predictions(30, models=("cnn",))
    found = evaluate(table, studies_of(table), SETTINGS)
    assert "lstm_gain" not in found.headline
    assert found.details["own_model"] == "cnn"
    assert list(found.curves["roc"]) == list(FOUND.curves["roc"])
    assert found.curves["roc"]["cnn_lstm_test"].isna().all()


OWN = ["own_precision_recall", "own_roc", "own_reliability"]
DRAWN = ["f2_per_class", "operating_points", "subgroups", "smoothing"]  # beside them, by the charts of dvc.yaml


@pytest.mark.parametrize("models", [("cnn",), ("cnn", "cnn_lstm")])
@pytest.mark.parametrize("test_is_labelled", [True, False])
def test_every_chart_is_of_the_rows_own_model_and_has_something_to_show(models, test_is_labelled):
    table = predictions(30, models=models)
    if not test_is_labelled:
        table.loc[table["split"] == "test", LABELS] = np.nan
    found = evaluate(table, studies_of(table), SETTINGS)
    plots, tables, column = found.plots(), found.tables(), f"{models[-1]}_{'test' if test_is_labelled else 'val'}"
    assert plots["own_roc"]["true_positive_rate"].tolist() == tables["roc"][column].tolist()
    assert plots["own_precision_recall"]["precision"].tolist() == tables["precision_recall"][column].tolist()
    stage = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]["evaluate"]
    charts = {Path(path).stem: chart for entry in stage["plots"] for path, chart in entry.items()}
    assert set(charts) == set(plots) == {*OWN, *DRAWN}
    for name, chart in charts.items():
        known = plots[name][[chart["x"], chart["y"]]].notna()
        assert known.all(axis=None) if name in OWN else known.any(axis=None), name
        assert len(known) or (name == "own_reliability" and not test_is_labelled)


def test_a_test_set_without_labels_scores_null_and_failures_are_shown_on_validation():
    table = TABLE.copy()
    table.loc[table["split"] == "test", LABELS] = np.nan
    found = evaluate(table, STUDIES, SETTINGS)
    assert found.headline["f2"]["test"] is None
    assert found.headline["all_positive"]["test"] is None
    assert set(numbers(found.headline["scan_test"])) == {None}
    assert found.details["lstm_gain"]["test"] is None
    assert set(found.worst["split"]) == {"val"}
    json.dumps(found.details, allow_nan=False)


@pytest.mark.parametrize(
    "labelled", [{"train"}, {"train", "val"}, {"train", "test"}, {"val", "test"}, set(SPLITS), set()]
)
def test_one_split_is_shown_wherever_one_is_shown(labelled):
    table = TABLE.copy()
    table.loc[~table["split"].isin(labelled), LABELS] = np.nan
    found = evaluate(table, STUDIES, SETTINGS._replace(resamples=0))
    assert found.shown == next((split for split in ("test", "val", "train") if split in labelled), "test")
    assert set(found.worst["split"]) == labelled & {found.shown}
    own = found.details["slices"]["cnn_lstm"][found.shown]
    assert found.curves["f2_per_class"]["f2"].tolist() == [own and own[label]["f2"]["value"] for label in LABELS]
    assert found.curves["own_roc"].empty == found.subgroups.empty == (not labelled)
    assert class_section(found).tables or not labelled
    assert found.shown in class_section(found).text or not labelled


def test_scan_labels_alone_score_scans_and_no_slice():
    table, studies = TABLE.copy(), STUDIES.copy()
    whole = TABLE.groupby("study")[LABELS].max()
    studies[SCAN_LABELS] = whole.loc[studies["study"]].to_numpy()
    table[LABELS] = np.nan
    found = evaluate(table, studies, SETTINGS)
    assert found.headline["f2"] == dict.fromkeys(SPLITS)
    of_max, expected = (e.details["scans"]["cnn"]["test"]["max"] for e in (found, FOUND))
    for label in LABELS:  # any is ranked by calibrated probabilities, which nothing here could give
        assert of_max[label]["auroc"] == expected[label]["auroc"]
    assert of_max["any"]["recall"] == expected["any"]["recall"]
    assert found.calibration["models"]["cnn"]["fitted_slices"] == 0
    assert found.subgroups.empty
    assert found.worst.empty
    assert found.smoothing.empty
    json.dumps(found.details, allow_nan=False)


def test_no_resamples_no_intervals():
    found = evaluate(TABLE, STUDIES, SETTINGS._replace(resamples=0))
    assert found.headline["f2_test_interval"] == {"low": None, "high": None}
    assert found.headline["f2"] == FOUND.headline["f2"]


def test_smoothing_scores_the_smoothed_answers():
    found = evaluate(TABLE, STUDIES, SETTINGS._replace(smoothing=True, resamples=0))
    counts = FOUND.smoothing.set_index("case").loc["cnn_lstm test micro"]
    assert FOUND.headline["f2"]["test"] == counts["f2"]
    assert found.headline["f2"]["test"] == counts["f2_smoothed"]
    raw = probabilities_of(TABLE, "cnn_lstm")
    for evaluation, smoothing in ((FOUND, False), (found, True)):  # and a prediction answers as it was scored
        for rows in scan_bounds(TABLE["study"]):
            answered = positive_slices(raw[rows], adjacent_runs(TABLE.iloc[rows]), evaluation.calibration)
            assert (answered == evaluation.own.predicted(smoothing)[rows]).all()


def test_a_nan_probability_is_an_error_before_any_score_and_names_the_slice():
    table = TABLE.copy()
    table.loc[17, "cnn_lstm_sah"] = np.nan
    place = f"slice {table['index'][17]} of study {table['study'][17]}"
    with pytest.raises(InputError, match=f"cnn_lstm gives no finite probability .* the first is {place}"):
        evaluate(table, STUDIES, SETTINGS)


def test_a_constant_model_scores_like_a_coin():
    table = TABLE.copy()
    table[[f"cnn_{label}" for label in LABELS]] = 0.3
    found = evaluate(table, STUDIES, SETTINGS)
    assert found.headline["cnn"]["auroc_test"] == 0.5
    assert found.headline["cnn"]["f2_test"] == 0


def test_reliability_is_of_test_before_and_after_calibration():
    curve = FOUND.curves["reliability"]
    assert len(curve) == 10
    gaps = curve["cnn_raw_observed"] - curve["cnn_raw_predicted"]
    assert curve["cnn_raw_gap"].to_numpy() == pytest.approx(gaps.to_numpy(), abs=2e-6, nan_ok=True)
    calibration = FOUND.details["calibration"]["cnn"]["test"]["micro"]
    assert calibration["ece_calibrated"] < calibration["ece_raw"]
    assert calibration["brier_calibrated"] < calibration["brier_raw"]


def test_a_patient_with_one_slice_is_scored_like_any_other():
    table = TABLE.drop(TABLE.index[(TABLE["patient"] == "p0002") & (TABLE["index"] > 0)]).reset_index(drop=True)
    table.loc[table["patient"] == "p0002", "level"] = 0
    found = evaluate(table, STUDIES, SETTINGS)
    assert found.details["data"]["test"]["slices"] < FOUND.details["data"]["test"]["slices"]
    assert found.details["data"]["test"]["patients"] == FOUND.details["data"]["test"]["patients"]
    assert None not in numbers(found.headline)


def test_scans_are_scored_against_true_labels_too_where_they_are_known():
    flipped = TABLE.copy()
    normal = flipped.groupby("study")[LABELS].transform("max").max(axis=1) == 0
    study = flipped[normal & (flipped["split"] == "test")]["study"].iloc[0]
    flipped.loc[flipped.index[flipped["study"] == study][3], "ich"] = 1
    true = TABLE[LABELS].to_numpy()
    found = evaluate(flipped, STUDIES, SETTINGS, lambda rows: true[rows])
    assert found.details["true_scans"] == FOUND.details["scans"]["cnn_lstm"]["test"]["max"]
    assert found.details["true_scans"] != found.details["scans"]["cnn_lstm"]["test"]["max"]
    assert FOUND.details["true_scans"] is None
    assert "true labels" in str(scan_section(found).tables.keys())


def test_the_gain_at_the_best_thresholds_of_validation_is_that_of_the_operating_points():
    points = FOUND.curves["operating_points"].set_index("point")["f2_test"]
    gain = FOUND.details["lstm_gain_at_best_f2"]["test"]
    expected = points["cnn_lstm, f2_global"] - points["cnn, f2_global"]
    assert gain["value"] == pytest.approx(expected, abs=2e-6)
    assert gain["low"] < gain["value"] < gain["high"]


def test_any_has_a_calibration_error_of_its_own():
    part = TABLE[TABLE["split"] == "test"]
    shown = FOUND.own.calibrated[(TABLE["split"] == "test").to_numpy()]
    expected = calibration_error(part[LABELS].to_numpy().max(axis=1), 1 - np.prod(1 - shown, axis=1))
    assert FOUND.headline["calibration_test"]["any_ece"] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("louder", ["ich", "sdh"])
def test_any_is_ranked_and_charged_by_the_product_of_the_calibrated_classes_whatever_their_raw_scales(louder):
    table = predictions(45, models=("cnn",))
    table[f"cnn_{louder}"] = expit(logit(table[f"cnn_{louder}"].astype(float)) + 3)
    found = evaluate(table, studies_of(table), SETTINGS._replace(resamples=0))
    part = table[table["split"] == "test"]
    raw, truth = probabilities_of(part, "cnn"), part[LABELS].max(axis=1).to_numpy()
    shown = calibrated(found.calibration, "cnn", raw)
    both = {name: 1 - np.prod(1 - p, axis=1) for name, p in (("", raw), ("_calibrated", shown))}
    scores, scans = (found.details[kind]["cnn"]["test"] for kind in ("slices", "scans"))
    ranked = roc_auc_score(truth, both["_calibrated"])
    assert scores["any"]["auroc"]["value"] == pytest.approx(ranked, abs=1e-6)
    assert roc_auc_score(truth, raw.max(axis=1)) < ranked - 0.02
    assert roc_auc_score(truth, both[""]) != pytest.approx(ranked, abs=1e-3)
    of_scans = pd.DataFrame({"truth": truth, "any": both["_calibrated"]}).groupby(part["study"].to_numpy()).max()
    assert scans["max"]["any"]["auroc"]["value"] == pytest.approx(roc_auc_score(*of_scans.to_numpy().T), abs=1e-6)
    for (name, any_bleed), p in zip(both.items(), (raw, shown), strict=True):
        columns = [*zip(part[LABELS].to_numpy().T, p.T, strict=True), (truth, any_bleed), (truth, any_bleed)]
        losses = [log_loss(targets, values, labels=[0, 1]) for targets, values in columns]
        assert scores["micro"][f"rsna_log_loss{name}"]["value"] == pytest.approx(np.mean(losses), abs=1e-6)


def test_the_report_shows_calibration_of_any_beside_the_five_and_marks_the_rows_that_it_was_fitted_on():
    (table,) = calibration_section(FOUND).tables.values()
    errors, expected = table.set_index("")["ECE, calibrated"].to_dict(), {}
    for model, name in MODEL_NAMES.items():
        for split, mark in (("train", ""), ("val", " (fitted on these)"), ("test", "")):
            scores = FOUND.details["calibration"][model][split]
            for group, of in (("five classes", "micro"), ("any", "any")):
                expected[f"{name}, {split}{mark}, {group}"] = scores[of]["ece_calibrated"]
    assert errors == expected


def test_the_report_shows_the_gain_at_thresholds_of_validation_beside_the_gain_at_the_set_one():
    (table,) = models_section(FOUND, "phantom").tables.values()
    gains = table[table["micro F2"].str.startswith("difference")]
    assert gains["micro F2"].tolist()[1] == "difference, each at its own best threshold on validation"
    for split in SPLITS:
        at_best, at_set = FOUND.details["lstm_gain_at_best_f2"][split], FOUND.details["lstm_gain"][split]["micro"]["f2"]
        assert gains[split].tolist() == [at_set, at_best]


def test_a_class_that_validation_does_not_show_has_no_probability_anywhere():
    table = TABLE.copy()
    table.loc[table["split"] == "val", "edh"] = 0
    found = evaluate(table, STUDIES, SETTINGS._replace(resamples=0))
    assert np.isnan(found.own.calibrated[:, 4]).all()
    assert found.details["slices"]["cnn"]["test"]["micro"]["rsna_log_loss_calibrated"]["value"] is None
    assert found.details["calibration"]["cnn"]["test"]["edh"]["ece_calibrated"] is None
    assert found.details["calibration"]["cnn"]["test"]["micro"]["ece_calibrated"] is not None
    assert found.calibration["scans"]["cnn"]["temperature"]["edh"] is None
    assert found.details["scans"]["cnn"]["test"]["youden"]["edh"]["recall"]["value"] == 0  # never called
    assert found.details["scan_calibration"]["cnn"]["test"]["edh"] == dict.fromkeys(("ece", "brier", "log_loss"))
    assert "no probability of edh" in calibration_section(found).text
    assert len(found.worst)
    json.dumps([found.headline, found.details, found.calibration], allow_nan=False)
