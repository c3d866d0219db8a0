"""Intervals over patients: they cover the truth, and intervals over slices do not."""

from functools import partial

import numpy as np
import pytest

from hohoho.inference.table import with_any
from hohoho.scores.bootstrap import MIN_PATIENTS, Resampling, interval, resample_weights, sum_by_patient
from hohoho.scores.class_scores import bootstrapped, class_scores, difference, scored_rows, with_intervals
from hohoho.scores.f2 import Counts, f2

DATA_SETS, PATIENTS, SLICES, RESAMPLES = 500, 120, 25, 400


def simulated(rng):
    """(patients, 4) tp, fp, fn, tn of one data set: patients differ in bleeds and in how easy they are to read."""
    positive = rng.binomial(1, 0.5, PATIENTS) * rng.integers(1, 13, PATIENTS)
    tp = rng.binomial(positive, rng.beta(2, 1, PATIENTS))
    fp = rng.binomial(SLICES - positive, rng.beta(1, 5, PATIENTS))
    return np.column_stack([tp, fp, positive - tp, SLICES - positive - fp])


def true_f2():
    """From the means of the counts: half of the patients bleed, on 1 to 12 slices, two thirds of them found …"""
    positive = 0.5 * 6.5
    tp, fp = positive * 2 / 3, (SLICES - positive) / 6
    return 5 * tp / (5 * tp + 4 * (positive - tp) + fp)


def covered(draw):
    """Share of the simulated data sets whose interval holds the truth. draw: (generator, counts) → (resamples, 4)."""
    rng, truth, hits = np.random.default_rng(0), true_f2(), 0
    for number in range(DATA_SETS):
        counts = simulated(rng)
        low, high = interval(f2(Counts(*draw(number, counts).T)), PATIENTS)
        hits += low <= truth <= high
    return hits / DATA_SETS


def test_the_interval_over_patients_covers_the_truth_in_92_to_98_percent_of_500_data_sets():
    assert (
        0.92 <= covered(lambda seed, counts: resample_weights(PATIENTS, Resampling(RESAMPLES, seed)) @ counts) <= 0.98
    )


def test_the_naive_interval_over_slices_does_not():
    def slices_drawn(seed, counts):  # drawing slices one by one: their four outcomes are multinomial
        shares = counts.sum(0) / counts.sum()
        return np.random.default_rng(seed).multinomial(counts.sum(), shares, size=RESAMPLES)

    assert covered(slices_drawn) < 0.92


def test_every_draw_has_as_many_patients_as_there_are():
    weights = resample_weights(17, Resampling(200, seed=3))
    assert (weights.sum(1) == 17).all()
    assert (weights == resample_weights(17, Resampling(200, seed=3))).all()
    assert (weights != resample_weights(17, Resampling(200, seed=4))).any()


def test_sums_per_patient_are_those_of_a_loop():
    rng = np.random.default_rng(0)
    values, patient_index = rng.random((50, 3)), rng.integers(0, 7, 50)
    expected = [values[patient_index == patient].sum(0) for patient in range(8)]
    assert sum_by_patient(values, patient_index, 8) == pytest.approx(np.array(expected))


def test_an_interval_of_mostly_undefined_resamples_is_undefined():
    assert np.isnan(interval(np.r_[0.5, np.full(9, np.nan)], 40)).all()
    assert interval(np.r_[np.linspace(0, 1, 61), np.full(40, np.nan)], 40) == pytest.approx((0.025, 0.975))
    assert np.isnan(interval(np.empty(0), 40)).all()


def test_a_score_that_never_varies_has_no_interval_and_so_claims_no_certainty():
    assert np.isnan(interval(np.ones(400), 40)).all()


def test_the_difference_of_a_model_with_itself_is_zero_and_pairing_narrows_it():
    rng = np.random.default_rng(0)
    patients, truth = np.repeat(np.arange(40), 10), rng.integers(0, 2, (400, 5))
    worse = np.where(rng.random((400, 5)) < 0.3, 1 - truth, truth)
    better = np.where(rng.random((400, 5)) < 0.1, truth, worse)

    def of(answers):
        rows = scored_rows(with_any(truth), with_any(answers.astype(float)), with_any(answers), patients)
        return bootstrapped(rows, lambda weights: class_scores(rows, weights), Resampling(300, seed=0))

    assert with_intervals(difference(of(worse), of(worse)))["micro"]["f2"] == {
        "value": 0,
        "low": None,
        "high": None,
        "patients": 40,
    }
    gain = with_intervals(difference(of(better), of(worse)))["micro"]["f2"]
    alone = with_intervals(of(worse))["micro"]["f2"]
    assert 0 < gain["low"] < gain["value"] < gain["high"]
    assert gain["high"] - gain["low"] < alone["high"] - alone["low"]


@pytest.mark.parametrize("asked", [(10, 40), (40, 10), (MIN_PATIENTS, 60), (MIN_PATIENTS - 1, 60)])
def test_a_difference_is_carried_by_the_patients_of_the_score_that_fewer_carry(asked):
    patients, place, truth = np.repeat(np.arange(60), 4), np.tile(np.arange(4), 60), np.zeros((240, 5), int)
    truth[place < np.arange(240) % 3 + 1, 0] = 1
    scored = []
    for count in asked:  # patients with a positive answer: they carry its precision
        answers = np.zeros_like(truth)
        answers[(patients < count) & (place > 0), 0] = 1
        rows = scored_rows(with_any(truth), with_any(answers.astype(float)), with_any(answers), patients)
        scored.append(bootstrapped(rows, partial(class_scores, rows), Resampling(60, 0)))
    gain = with_intervals(difference(*scored))["ich"]
    assert gain["precision"]["patients"] == min(asked) and gain["recall"]["patients"] == 60
    assert (gain["precision"]["low"] is not None) == (min(asked) >= MIN_PATIENTS)
    assert gain["recall"]["low"] is not None
