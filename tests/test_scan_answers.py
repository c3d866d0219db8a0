"""What `hohoho predict` says of a scan: raw outputs and calibrated probabilities, never one for the other."""

import numpy as np
import pytest

from hohoho.labels import LABELS
from hohoho.predict.answers import MEANING, answer_columns, scan_summary
from hohoho.scores.calibration import Calibration, calibrate, calibration_record

RAW = np.array([[0.1, 0.2, 0.3, 0.4, 0.2], [0.6, 0.1, 0.2, 0.3, 0.5]])
FITTED = Calibration(np.full(5, 2.0), np.full(5, -1.5), 100)
RECORD = calibration_record({"cnn": FITTED}, 0.5)


def test_raw_and_calibrated_stand_side_by_side_under_their_own_names():
    table = answer_columns({"cnn": RAW}, RECORD)
    assert table[[f"cnn_{label}" for label in LABELS]].to_numpy() == pytest.approx(RAW)
    shown = table[[f"cnn_{label}_calibrated" for label in LABELS]].to_numpy()
    assert shown == pytest.approx(calibrate(FITTED, RAW), abs=1e-6)
    explained = {name.replace("<model>", "cnn").replace("<label>", label) for name in MEANING for label in LABELS}
    assert set(table) <= explained


@pytest.mark.parametrize("record", [None, calibration_record({"cnn": FITTED._replace(slices=0)}, 0.5)])
def test_nothing_is_called_calibrated_that_is_not(record):
    assert list(answer_columns({"cnn": RAW}, record)) == [f"cnn_{label}" for label in LABELS]
    assert "calibrated" not in scan_summary("cnn", RAW, record)["any"]


def test_a_scan_is_positive_where_a_raw_slice_reaches_the_threshold():
    found = scan_summary("cnn", RAW, RECORD)
    assert {name: part["positive"] for name, part in found.items()} == {
        "ich": True,
        "ivh": False,
        "sah": False,
        "sdh": False,
        "edh": True,
        "any": True,
    }
    assert found["any"]["raw"] == 0.6
    assert found["any"]["calibrated"] < 0.5  # the threshold is not held against it
    assert found["sdh"]["calibrated"] == pytest.approx(calibrate(FITTED, RAW)[:, 3].max(), abs=1e-6)
