"""A scan's own probability: calibrated, in the order of its aggregate, unknown where nothing could be fitted."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.metrics import roc_auc_score, roc_curve

from hohoho.inference.table import CLASSES
from hohoho.scores.scan_probability import (
    AGGREGATIONS,
    SENSITIVE,
    YOUDEN,
    fit_scans,
    read_scan_model,
    scan_aggregates,
    scan_record,
    youden_threshold,
)


def scans(n, seed=0):
    """(scans, 6) targets and logits that know them."""
    rng = np.random.default_rng(seed)
    targets = (rng.random((n, len(CLASSES))) < 0.4).astype(float)
    return targets, 3 * rng.normal(2 * targets - 1)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 40))
def test_aggregates_are_those_of_the_formulas_whatever_the_order_of_slices(seed, slices):
    rng = np.random.default_rng(seed)
    values = rng.uniform(0.01, 0.9, (slices, 6))
    shuffled = values[rng.permutation(slices)]
    expected = {
        "max": logit(values.max(0)),
        "top3_mean": logit(np.sort(values, 0)[-3:]).mean(0),
        "noisy_or": logit(np.minimum(1 - np.prod(1 - values, axis=0), 1 - 1e-15)),
    }
    for how in AGGREGATIONS:
        found = scan_aggregates(["a"] * slices, values, how)[0]
        np.testing.assert_allclose(expit(found), expit(expected[how]), rtol=1e-6)
        np.testing.assert_allclose(scan_aggregates(["a"] * slices, shuffled, how)[0], found, rtol=1e-12)


@pytest.mark.parametrize("how", AGGREGATIONS)
def test_a_sure_slice_and_a_sure_no_stay_finite_and_scans_are_sorted_by_name(how):
    values = np.repeat([[1.0] * 6, [0.0] * 6], 100, axis=0)
    found = scan_aggregates(np.repeat(["b", "a"], 100), values, how)
    assert np.isfinite(found).all() and (found[0] < 0).all() and (found[1] > 0).all()


def test_the_probability_is_calibrated_on_other_scans_and_keeps_the_order():
    model = fit_scans(*scans(600))
    targets, aggregates = scans(20_000, seed=1)
    probability = model.probability(aggregates)
    for t, p, a in zip(targets.T, probability.T, aggregates.T, strict=True):
        middle = (p > 0.3) & (p < 0.7)
        assert t[middle].mean() == pytest.approx(p[middle].mean(), abs=0.08)
        assert roc_auc_score(t, p) == pytest.approx(roc_auc_score(t, a), abs=1e-9)


def test_thresholds_are_those_of_scikit_learns_curve_on_the_scans_they_were_chosen_on():
    targets, aggregates = scans(200)
    model = fit_scans(targets, aggregates)
    probability = model.probability(aggregates)
    for column, (t, p) in enumerate(zip(targets.T, probability.T, strict=True)):
        false, true, _ = roc_curve(t, p, drop_intermediate=False)
        chosen = p >= model.thresholds[YOUDEN][column]
        assert chosen[t == 1].mean() - chosen[t == 0].mean() == pytest.approx((true - false).max())
        sensitive = p >= model.thresholds[SENSITIVE][column]
        assert 0.95 <= sensitive[t == 1].mean() < 0.95 + 1 / t.sum() + 1e-9
    assert youden_threshold(np.array([1, 1, 0]), np.array([0.5, 0.9, 0.1])) == 0.5  # the lowest of equals misses least


def test_a_class_that_validation_does_not_show_is_unknown_and_the_record_says_so():
    targets, aggregates = scans(50)
    targets[:, 4], targets[:10, 2] = 0, np.nan
    model = fit_scans(targets, aggregates)
    again = read_scan_model(json.loads(json.dumps(scan_record(model), allow_nan=False)))
    np.testing.assert_array_equal(again.probability(aggregates), model.probability(aggregates))
    assert np.isnan(model.probability(aggregates)[:, 4]).all() and np.isnan(model.thresholds[YOUDEN][4])
    assert np.isfinite(model.probability(aggregates)[:, [0, 1, 2, 3, 5]]).all()
    without = fit_scans(targets[10:], aggregates[10:])
    assert without.temperature[2] == model.temperature[2]  # scans of unknown type say nothing of the type


def test_no_scan_at_all_fits_nothing():
    model = fit_scans(np.zeros((0, 6)), np.zeros((0, 6)))
    assert np.isnan(model.probability(np.zeros((3, 6)))).all()
