"""What `hohoho predict` says of a scan: raw outputs and calibrated probabilities, never one for the other."""

import json

import numpy as np
import pytest
from scipy.special import expit, logit

from hohoho.labels import LABELS
from hohoho.predict.answers import MEANING, answer_columns, scan_answer, scan_summary
from hohoho.scores.calibration import Calibration, calibrate, calibration_record
from hohoho.scores.scan_probability import fit_scans, scan_record
from hohoho.scores.three_answers import limits, limits_record

RAW = np.array([[0.1, 0.2, 0.3, 0.4, 0.2], [0.6, 0.1, 0.2, 0.3, 0.5]])
FITTED = Calibration(np.full(5, 2.0), np.full(5, -1.5), np.full(5, 20), 100)
RECORD = calibration_record({"cnn": FITTED}, 0.5, smoothing=False)
UNKNOWN = np.full(5, np.nan)
WHOLE = [slice(0, 2)]


def test_raw_and_calibrated_stand_side_by_side_under_their_own_names():
    table = answer_columns({"cnn": RAW}, WHOLE, RECORD)
    assert table[[f"cnn_{label}" for label in LABELS]].to_numpy() == pytest.approx(RAW)
    shown = table[[f"cnn_{label}_calibrated" for label in LABELS]].to_numpy()
    assert shown == pytest.approx(calibrate(FITTED, RAW), abs=1e-6)
    explained = {name.replace("<model>", "cnn").replace("<label>", label) for name in MEANING for label in LABELS}
    assert set(table) <= explained


def test_a_class_that_could_not_be_calibrated_is_empty_and_the_others_stand():
    temperature, bias = np.array([2, 2, 2, 2, np.nan]), np.array([-1.5, -1.5, -1.5, -1.5, np.nan])
    record = calibration_record({"cnn": FITTED._replace(temperature=temperature, bias=bias)}, 0.5, smoothing=False)
    table = answer_columns({"cnn": RAW}, WHOLE, record)
    assert table["cnn_edh_calibrated"].isna().all()
    four = calibrate(FITTED, RAW)[:, :4]
    assert table["cnn_any_calibrated"].to_numpy() == pytest.approx(1 - np.prod(1 - four, axis=1), abs=1e-6)


@pytest.mark.parametrize(
    "record",
    [None, calibration_record({"cnn": FITTED._replace(temperature=UNKNOWN, bias=UNKNOWN)}, 0.5, smoothing=False)],
)
def test_nothing_is_called_calibrated_that_is_not(record):
    table = answer_columns({"cnn": RAW}, WHOLE, record)
    assert not [name for name in table if name.endswith("_calibrated")]
    assert "probability" not in scan_summary("cnn", RAW, WHOLE, record)["any"]


def test_answers_are_smoothed_where_the_scores_were():
    raw = np.tile([[0.9], [0.1], [0.9], [0.1], [0.1], [0.9], [0.1]], 5)  # 1010010 → 1110000
    record = calibration_record({"cnn": FITTED}, 0.5, smoothing=True)
    assert answer_columns({"cnn": raw}, [slice(0, 7)], record)["cnn_sah_positive"].tolist() == [1, 1, 1, 0, 0, 0, 0]
    missing_after_two = answer_columns({"cnn": raw}, [slice(0, 2), slice(2, 7)], record)
    assert missing_after_two["cnn_sah_positive"].tolist() == [
        1,
        0,
        1,
        0,
        0,
        0,
        0,
    ]
    record["smoothing"] = False
    assert answer_columns({"cnn": raw}, [slice(0, 7)], record)["cnn_sah_positive"].tolist() == [1, 0, 1, 0, 0, 1, 0]
    lone = np.tile([[0.1], [0.9], [0.1]], 5)
    assert scan_summary("cnn", lone, [slice(0, 3)], record)["any"]["positive_slices"]
    assert not scan_summary("cnn", lone, [slice(0, 3)], record | {"smoothing": True})["any"]["positive_slices"]


def test_a_scan_is_positive_where_one_of_its_slices_is():
    found = scan_summary("cnn", RAW, WHOLE, RECORD)
    assert {name: part["positive_slices"] for name, part in found.items()} == {
        "ich": True,
        "ivh": False,
        "sah": False,
        "sdh": False,
        "edh": True,
        "any": True,
    }
    assert found["ich"]["largest_raw"] == 0.6


def of_scans(aside: bool) -> dict:
    """A record of a model that knows 400 scans well, and how they are answered."""
    rng = np.random.default_rng(0)
    targets = (rng.random((400, 6)) < 0.5).astype(float)
    targets[:, 4] = 0  # of epidural bleeds nothing is known
    fitted = fit_scans(targets, 3 * (2 * targets - 1) + rng.normal(size=targets.shape))
    probability = fitted.probability(3 * (2 * targets - 1) + rng.normal(size=targets.shape))[:, 5]
    split = "calibration" if aside else "val"
    found = limits(targets[:, 5] > 0, probability, np.arange(400), 0.05, 0.95, split)
    return RECORD | {"scans": {"cnn": scan_record(fitted) | {"answers": limits_record(found)}}}


@pytest.mark.parametrize("aside", [True, False])
@pytest.mark.parametrize(("value", "expected"), [(0.001, "no bleed seen"), (0.999, "bleed")])
def test_a_scan_has_a_probability_of_its_own_and_one_of_three_answers(value, expected, aside):
    record = of_scans(aside)
    raw = expit(2 * (logit(np.full((3, 5), value)) + 1.5))  # calibrated by RECORD to `value`
    summary = scan_summary("cnn", raw, [slice(0, 3)], record)
    assert summary["any"]["probability"] == pytest.approx(value, abs=0.02)
    assert "probability" not in summary["edh"] and "from_youden" not in summary["edh"]
    assert summary["sdh"]["from_youden"] == summary["sdh"]["from_sensitivity_95"] == (value > 0.5)
    answer = scan_answer("cnn", summary, record, [])
    assert answer["answer"] == expected and answer["probability"] == summary["any"]["probability"]
    doubted = scan_answer("cnn", summary, record, ["no head is seen"])
    assert (doubted["answer"], doubted["because"]) == ("uncertain: read now", ["no head is seen"])
    promised = "at most 5% have a scan with this answer" if aside else "no guarantee"
    assert all(promised in said for said in answer["guarantees"].values()) and len(answer["guarantees"]) == 2
    json.dumps([summary, answer], allow_nan=False)


def test_without_calibrated_scans_there_is_no_answer_and_none_is_made_up():
    assert scan_answer("cnn", scan_summary("cnn", RAW, WHOLE, None), None, []) is None
    assert scan_answer("cnn", scan_summary("cnn", RAW, WHOLE, RECORD), RECORD, []) is None
    record = of_scans(True)
    unknown = {"any": {}}  # a class that could not be fitted
    assert scan_answer("cnn", unknown, record, [])["answer"] == "uncertain: read now"
