"""Three answers: what they promise holds, and where it cannot be promised it is not."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mapie.risk_control import BinaryClassificationController, FWERFixedSequenceTesting
from scipy.stats import binom, norm

from hohoho.scores.three_answers import (
    ANSWERS,
    BLEED,
    NO_BLEED,
    UNCERTAIN,
    Limit,
    Limits,
    allowed_errors,
    answers,
    fewest_patients,
    guarantees,
    limits,
    limits_record,
    read_limits,
)
from hohoho.slices.split import CALIBRATION


def drawn(rng, patients, share=0.5, apart=2.0):
    """(scans,) whether there is a bleed, a probability that knows it somewhat, and whose scan: one a patient."""
    bleeding = rng.random(patients) < share
    return bleeding, norm.cdf(rng.normal(apart * (bleeding - 0.5))), np.arange(patients)


@pytest.mark.parametrize(("error", "confidence", "least"), [(0.05, 0.95, 59), (0.1, 0.9, 22), (0.01, 0.95, 299)])
def test_the_fewest_patients_are_those_of_whom_none_may_be_wrong(error, confidence, least):
    assert fewest_patients(error, confidence) == least
    assert allowed_errors(least, error, confidence) == 0
    assert allowed_errors(least - 1, error, confidence) is None


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 400), st.floats(0.01, 0.4), st.floats(0.5, 0.99))
def test_one_more_error_would_break_the_guarantee(patients, error, confidence):
    allowed = allowed_errors(patients, error, confidence)
    if allowed is not None:
        assert binom.cdf(allowed, patients, error) <= 1 - confidence < binom.cdf(allowed + 1, patients, error)
    assert (allowed is None) == (patients < fewest_patients(error, confidence))


@pytest.mark.parametrize("patients", [130, 400])
@pytest.mark.parametrize("apart", [1.0, 2.5])
def test_over_500_draws_the_true_rate_of_errors_is_above_the_promised_one_as_rarely_as_promised(patients, apart):
    """The true rates of a limit are known here: scores are normal."""
    rng, error, confidence, broken, draws = np.random.default_rng(patients), 0.05, 0.9, np.zeros(2), 500
    for _ in range(draws):
        found = limits(*drawn(rng, patients, apart=apart), error, confidence, CALIBRATION)
        assert found.low.guaranteed and found.high.guaranteed
        rates = norm.cdf(norm.ppf(found.low.value) - apart / 2), norm.sf(norm.ppf(found.high.value) + apart / 2)
        broken += np.array(rates) > error
    allowed = binom.ppf(0.999, draws, 1 - confidence)
    assert (broken <= allowed).all()
    assert broken.max() > 0  # the promise is not kept by being far too careful


def test_on_new_scans_the_answers_are_wrong_as_rarely_as_promised_and_few_are_uncertain():
    rng = np.random.default_rng(1)
    found = limits(*drawn(rng, 600, apart=4.0), 0.05, 0.95, CALIBRATION)
    bleeding, probabilities, _ = drawn(rng, 20_000, apart=4.0)
    given_ = answers(found, probabilities)
    assert (given_[bleeding] == NO_BLEED).mean() < 0.05 and (given_[~bleeding] == BLEED).mean() < 0.05
    assert (given_ == UNCERTAIN).mean() < 0.1
    assert set(given_) <= set(ANSWERS)


@pytest.mark.parametrize("seed", range(4))
def test_mapie_allows_no_more_misses_and_no_fewer_than_at_its_own_factor(seed):
    """Its bound is at worst the binomial tail times e (Bentkus), which is ours with confidence 1 - δ / e."""
    error, confidence = 0.1, 0.9
    bleeding, probabilities, patients = drawn(np.random.default_rng(seed), 500)
    grid = np.sort(probabilities[bleeding])
    controller = BinaryClassificationController(
        lambda x: np.column_stack([1 - x[:, 0], x[:, 0]]),
        risk="recall",
        target_level=1 - error,
        confidence_level=confidence,
        list_predict_params=grid,
        fwer_method=FWERFixedSequenceTesting(),
    ).calibrate(probabilities[:, None], bleeding.astype(int))
    theirs = max(np.asarray(controller.valid_predict_params).ravel())
    ours = limits(bleeding, probabilities, patients, error, 1 - (1 - confidence) / np.e, CALIBRATION)
    exact = limits(bleeding, probabilities, patients, error, confidence, CALIBRATION)
    misses = [np.searchsorted(grid, limit) for limit in (ours.low.value, theirs, exact.low.value)]
    assert misses == sorted(misses)  # the exact tail gets at least as much out of the same patients


def test_scans_that_chose_something_else_give_no_guarantee_and_nor_do_too_few():
    scans = drawn(np.random.default_rng(0), 400)
    of_validation = limits(*scans, 0.05, 0.95, "val")
    assert not (of_validation.low.guaranteed or of_validation.high.guaranteed)
    assert all(
        "no guarantee: it needs 59" in text and "here is none" in text for text in guarantees(of_validation).values()
    )
    few = [values[:100] for values in scans]
    of_few = limits(*few, 0.05, 0.95, CALIBRATION)
    assert not of_few.low.guaranteed and f"here are {int(few[0].sum())}" in guarantees(of_few)[NO_BLEED]
    enough = guarantees(limits(*scans, 0.05, 0.95, CALIBRATION))
    assert "at most 5% have a scan with this answer, with 95% confidence" in enough[NO_BLEED]


def test_a_patient_counts_once_with_the_worst_scan():
    bleeding, probabilities, patients = drawn(np.random.default_rng(0), 300)
    again = np.r_[bleeding, bleeding], np.r_[probabilities, probabilities**0.5], np.r_[patients, patients]
    once, twice = (
        limits(bleeding, probabilities, patients, 0.05, 0.95, CALIBRATION),
        limits(*again, 0.05, 0.95, CALIBRATION),
    )
    assert once.low == twice.low  # the second scan of a bleed is more certain than the first
    assert twice.high.patients == once.high.patients and twice.high.value > once.high.value


def test_where_the_limits_would_cross_no_answer_is_uncertain_between_them():
    bleeding = np.repeat([True, False], 100)
    probabilities = np.r_[np.linspace(0.6, 1, 100), np.linspace(0, 0.4, 100)]
    found = limits(bleeding, probabilities, np.arange(200), 0.05, 0.95, CALIBRATION)
    assert found.low.value == found.high.value > 0.4
    assert set(answers(found, np.array([0.3, 0.9]))) == {NO_BLEED, BLEED}


def test_without_a_bleed_nobody_hears_that_there_is_none_and_an_unknown_probability_is_uncertain():
    bleeding, probabilities, patients = drawn(np.random.default_rng(0), 80, share=0.0)
    found = limits(bleeding, probabilities, patients, 0.05, 0.95, CALIBRATION)
    assert found.low == Limit(None, 0, False) and found.high.guaranteed
    assert NO_BLEED not in answers(found, np.linspace(0, 1, 11))
    assert answers(found, np.array([np.nan])) == [UNCERTAIN]
    nobody = limits(bleeding[:0], probabilities[:0], patients[:0], 0.05, 0.95, "val")
    assert set(answers(nobody, np.linspace(0, 1, 11))) == {UNCERTAIN}


def test_a_record_gives_the_same_answers_again():
    found = limits(*drawn(np.random.default_rng(0), 300), 0.05, 0.95, CALIBRATION)
    assert read_limits(json.loads(json.dumps(limits_record(found)))) == found
    assert isinstance(found, Limits)
