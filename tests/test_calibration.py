"""Temperature and bias: found again where they are known, and no answer changes."""

import json

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from hohoho.errors import InputError
from hohoho.files import write_json
from hohoho.labels import LABELS
from hohoho.scores.calibration import calibrate, calibrated, calibration_record, fit_calibration, read_calibration
from hohoho.scores.reliability import BINS, brier, calibration_error, reliability


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits))


def miscalibrated(slices, temperature, bias, seed=0):
    """Truth, and what a model says whose logits must be divided by `temperature` and moved by `bias`."""
    rng = np.random.default_rng(seed)
    logits = 1.2 * rng.normal(size=(slices, 5)) - 1
    targets = rng.random((slices, 5)) < sigmoid(logits)
    return targets.astype(float), sigmoid((logits - bias) * temperature)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.7, 4.0])
def test_a_known_temperature_is_found_within_5_percent(temperature):
    biases = np.array([-2, -1, 0, 0.5, 1])
    fitted = fit_calibration(*miscalibrated(40_000, temperature, biases))
    assert fitted.temperature == pytest.approx(np.full(5, temperature), rel=0.05)
    assert fitted.bias == pytest.approx(biases, abs=0.1)


def test_fitting_lowers_log_loss_brier_and_calibration_error_on_other_slices():
    fitted = fit_calibration(*miscalibrated(5000, 3.0, -1.5, seed=1))
    targets, raw = miscalibrated(5000, 3.0, -1.5, seed=2)
    after = calibrate(fitted, raw)
    for measure in (brier, calibration_error, lambda t, p: log_loss(t.ravel(), p.ravel())):
        assert measure(targets, after) < measure(targets, raw)
    assert calibration_error(targets, after) < 0.02


def test_no_answer_and_no_auroc_changes(tmp_path):
    targets, raw = miscalibrated(2000, 3.0, -1.5)
    raw = raw.astype(np.float32)
    raw[:50] = np.float32(0.5)  # on the threshold
    fitted = fit_calibration(targets, raw)
    write_json(tmp_path / "calibration.json", calibration_record({"cnn": fitted}, 0.5, smoothing=False))
    record = read_calibration(tmp_path / "calibration.json")
    shown = calibrated(record, "cnn", raw)
    threshold = [record["models"]["cnn"]["threshold"][label] for label in LABELS]
    assert ((shown >= threshold) == (raw >= 0.5)).all()
    for column in range(5):
        before, after = (roc_auc_score(targets[:, column], p[:, column]) for p in (raw, shown))
        assert after == pytest.approx(before, abs=1e-4)  # the surest of all are clipped


def test_without_a_record_or_for_an_unknown_model_no_probability_is_known(tmp_path):
    raw = np.full((3, 5), 0.25)
    assert np.isnan(calibrated(read_calibration(tmp_path / "none.json"), "cnn", raw)).all()
    record = calibration_record({"cnn": fit_calibration(*miscalibrated(100, 1.0, 0.0))}, 0.5, smoothing=False)
    assert np.isnan(calibrated(record, "cnn_lstm", raw)).all()


def test_without_validation_labels_nothing_is_calibrated_and_the_record_says_so():
    nothing = fit_calibration(np.zeros((0, 5)), np.zeros((0, 5)))
    record = calibration_record({"cnn": nothing}, 0.5, smoothing=False)["models"]["cnn"]
    assert record["fitted_slices"] == 0
    for name in ("temperature", "bias", "threshold"):
        assert set(record[name].values()) == {None}
    assert np.isnan(calibrate(nothing, np.random.default_rng(0).random((20, 5)))).all()


@pytest.mark.parametrize("only", [0, 1])
def test_a_class_without_positives_or_without_negatives_has_no_probability_and_the_others_have(only):
    targets, raw = miscalibrated(500, 2.0, 0.0)
    targets[:, 4] = only
    fitted = fit_calibration(targets, raw)
    assert fitted.fitted.tolist() == [True] * 4 + [False]
    shown = calibrate(fitted, raw)
    assert np.isnan(shown[:, 4]).all() and np.isfinite(shown[:, :4]).all()
    record = json.loads(json.dumps(calibration_record({"cnn": fitted}, 0.5, False), allow_nan=False))
    assert calibrated(record, "cnn", raw) == pytest.approx(shown, nan_ok=True)
    assert record["models"]["cnn"]["positives"]["edh"] == 500 * only
    assert calibration_error(targets, shown) == pytest.approx(calibration_error(targets[:, :4], shown[:, :4]))
    assert brier(targets, shown) == pytest.approx(brier(targets[:, :4], shown[:, :4]))


@pytest.mark.parametrize("positives", [1, 2, 3])
def test_with_few_positives_it_is_better_on_other_slices_than_raw_and_than_a_constant(positives):
    def slices(rng, count, share):
        truth = np.repeat([1.0, 0.0], [round(count * share), count - round(count * share)])
        logits = rng.normal(size=(count, 5)) + 2 * truth[:, None]
        return np.repeat(truth[:, None], 5, axis=1), sigmoid(2.5 * (logits - 1))

    rng, share = np.random.default_rng(positives), positives / 400
    losses = {"fitted": [], "raw": [], "constant": []}
    for _ in range(12):
        fitted, (targets, raw) = fit_calibration(*slices(rng, 400, share)), slices(rng, 20_000, share)
        for name, p in {"fitted": calibrate(fitted, raw), "raw": raw, "constant": np.full(raw.shape, share)}.items():
            losses[name].append(log_loss(targets.ravel(), p.ravel()))
    mean = {name: np.mean(values) for name, values in losses.items()}
    assert mean["fitted"] < min(mean["raw"], mean["constant"])


def test_a_perfect_or_a_constant_model_gives_finite_numbers():
    targets, _ = miscalibrated(200, 1.0, 0.0)
    for raw in (targets, np.full((200, 5), 0.3), 1 - targets):
        fitted = fit_calibration(targets, raw)
        assert np.isfinite(json.loads(json.dumps(calibrate(fitted, raw).tolist()))).all()
        assert (fitted.temperature > 0).all()


@pytest.mark.parametrize("place", ["targets", "probabilities"])
def test_nan_is_an_error(place):
    arrays = dict(zip(("targets", "probabilities"), miscalibrated(100, 1.0, 0.0), strict=True))
    arrays[place][7, 2] = np.nan
    with pytest.raises(InputError, match="NaN"):
        fit_calibration(**arrays)


def test_brier_and_the_reliability_curve_are_scikit_learns():
    targets, raw = miscalibrated(1000, 2.0, 0.5)
    raw[:3] = [[0.0], [0.1], [1.0]]  # on the borders of bins
    assert brier(targets, raw) == pytest.approx(brier_score_loss(targets.ravel(), raw.ravel()))
    observed, predicted = calibration_curve(targets[3:].ravel(), raw[3:].ravel(), n_bins=BINS)
    found = reliability(targets[3:], raw[3:]).dropna()
    assert found["observed"].to_numpy() == pytest.approx(observed)
    assert found["predicted"].to_numpy() == pytest.approx(predicted)
    assert reliability(targets, raw)["answers"].sum() == raw.size


def test_the_calibration_error_is_the_mean_gap_over_answers():
    targets, raw = np.array([[0, 0, 0, 1]]), np.array([[0.12, 0.18, 0.95, 0.95]])
    # two answers near 0.15 without a bleed, two at 0.95 of which one bleeds
    assert calibration_error(targets, raw) == pytest.approx(0.5 * 0.15 + 0.5 * 0.45)
