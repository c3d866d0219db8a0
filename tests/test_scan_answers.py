"""What `hohoho predict` says of a scan: raw outputs and calibrated probabilities, never one for the other."""

import numpy as np
import pytest

from hohoho.labels import LABELS
from hohoho.predict.answers import MEANING, answer_columns, scan_summary
from hohoho.scores.calibration import Calibration, calibrate, calibration_record

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
    summary = scan_summary("cnn", RAW, WHOLE, record)
    assert "calibrated" not in summary["edh"]
    assert "calibrated" in summary["any"]


@pytest.mark.parametrize(
    "record",
    [None, calibration_record({"cnn": FITTED._replace(temperature=UNKNOWN, bias=UNKNOWN)}, 0.5, smoothing=False)],
)
def test_nothing_is_called_calibrated_that_is_not(record):
    table = answer_columns({"cnn": RAW}, WHOLE, record)
    assert not [name for name in table if name.endswith("_calibrated")]
    assert "calibrated" not in scan_summary("cnn", RAW, WHOLE, record)["any"]


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
    assert scan_summary("cnn", lone, [slice(0, 3)], record)["any"]["positive"]
    assert not scan_summary("cnn", lone, [slice(0, 3)], record | {"smoothing": True})["any"]["positive"]


def test_a_scan_is_positive_where_one_of_its_slices_is():
    found = scan_summary("cnn", RAW, WHOLE, RECORD)
    assert {name: part["positive"] for name, part in found.items()} == {
        "ich": True,
        "ivh": False,
        "sah": False,
        "sdh": False,
        "edh": True,
        "any": True,
    }
    assert found["ich"]["raw"] == 0.6
    assert found["sdh"]["calibrated"] == pytest.approx(calibrate(FITTED, RAW)[:, 3].max(), abs=1e-6)
    of_slices = 1 - np.prod(1 - calibrate(FITTED, RAW), axis=1)
    assert found["any"]["calibrated"] == pytest.approx(of_slices.max(), abs=1e-6)
    assert found["any"]["calibrated"] > max(part["calibrated"] for name, part in found.items() if name != "any")
