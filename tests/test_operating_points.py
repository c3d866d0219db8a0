"""Thresholds chosen on validation."""

import numpy as np
import pytest
from scored_slices import predictions, studies_of
from sklearn.metrics import fbeta_score

from hohoho.labels import LABELS
from hohoho.scores.operating_points import (
    best_f2_threshold,
    operating_points,
    point_table,
    printed_threshold,
    sensitive_threshold,
)
from hohoho.scores.predictions import model_predictions
from hohoho.scores.truth import truth_of

TABLE = predictions(60)
TRUTH = truth_of(TABLE, studies_of(TABLE))
PREDICTIONS = model_predictions(TRUTH, "cnn", 0.5)
POINTS = operating_points(TRUTH, PREDICTIONS, 0.5)


@pytest.mark.parametrize("seed", range(5))
def test_the_best_f2_is_found_by_trying_every_threshold(seed):
    rng = np.random.default_rng(seed)
    targets = rng.random(200) < 0.2
    probabilities = np.clip(0.3 * targets + rng.random(200), 0, 1).round(2)
    tried = {t: fbeta_score(targets, probabilities >= t, beta=2) for t in np.unique(probabilities)}
    best = max(t for t, f2 in tried.items() if f2 == pytest.approx(max(tried.values()), abs=1e-12))
    assert best_f2_threshold(targets, probabilities) == best


def test_the_sensitive_threshold_finds_95_percent_of_the_scans_and_no_higher_one_does():
    maxima, bleeds = np.linspace(0, 1, 101), np.arange(101) % 5 == 0  # 21 scans with a bleed
    threshold = sensitive_threshold(bleeds, maxima, 0.95)
    assert (maxima[bleeds] >= threshold).mean() >= 0.95
    assert (maxima[bleeds] > threshold).mean() < 0.95
    assert sensitive_threshold(np.ones(20), np.arange(20.0), 0.95) == 1  # 19 of 20 exactly


def test_thresholds_come_from_validation_alone():
    other = TABLE.copy()
    test = other["split"] == "test"
    other.loc[test, [f"cnn_{label}" for label in LABELS]] = 0.999
    other.loc[test, LABELS] = 1.0
    truth = truth_of(other, studies_of(other))
    again = operating_points(truth, model_predictions(truth, "cnn", 0.5), 0.5)
    assert {name: list(t) for name, t in again.items()} == {name: list(t) for name, t in POINTS.items()}


def test_the_table_scores_every_point_on_validation_and_test():
    table = point_table("cnn", POINTS, TRUTH, PREDICTIONS).set_index("point")
    targets = TRUTH.targets("val")
    for name, thresholds in POINTS.items():
        positive = PREDICTIONS.raw[TRUTH.rows["val"]] >= thresholds
        f2 = fbeta_score(targets, positive, beta=2, average="micro")
        assert table.loc[f"cnn, {name}", "f2_val"] == pytest.approx(f2, abs=1e-6)
    assert table.loc["cnn, f2_global", "f2_val"] >= table.loc["cnn, fixed", "f2_val"]
    assert table.loc["cnn, scan_sensitivity_95", "scan_sensitivity_val"] >= 0.95


def test_a_class_without_positives_in_validation_leaves_its_point_undecided():
    table = TABLE.copy()
    table.loc[table["split"] == "val", "edh"] = 0
    truth = truth_of(table, studies_of(table))
    predictions = model_predictions(truth, "cnn", 0.5)
    points = operating_points(truth, predictions, 0.5)
    assert points["f2_per_class"] is None
    row = point_table("cnn", points, truth, predictions).set_index("point").loc["cnn, f2_per_class"]
    assert row.isna().all()


@pytest.mark.parametrize("seed", range(20))
def test_at_a_printed_threshold_at_least_as_much_is_found_as_at_the_threshold(seed):
    values = np.random.default_rng(seed).random(200)
    threshold = sensitive_threshold(np.ones(200), values, 0.95)
    assert printed_threshold(threshold) <= threshold < printed_threshold(threshold) + 1.1e-6
    assert (values >= printed_threshold(threshold)).mean() >= 0.95


@pytest.mark.parametrize("seed", range(4))
def test_the_table_prints_thresholds_that_keep_their_promise(seed):
    table = predictions(30, seed)
    truth = truth_of(table, studies_of(table))
    said = model_predictions(truth, "cnn", 0.5)
    points = operating_points(truth, said, 0.5)
    shown = point_table("cnn", points, truth, said).set_index("point")[[f"threshold_{label}" for label in LABELS]]
    for name, thresholds in points.items():
        below = thresholds - shown.loc[f"cnn, {name}"].to_numpy(float)
        assert ((below >= 0) & (below < 1.1e-6)).all()
