"""Per class, micro and macro, and RSNA's log loss: what scikit-learn says of the same arrays, and the edges."""

import numpy as np
import pytest
from sklearn import metrics

from hohoho.inference.table import CLASSES, with_any
from hohoho.labels import LABELS
from hohoho.scores.bootstrap import Resampling, resample_weights, unit_weights
from hohoho.scores.class_scores import bootstrapped, class_carriers, class_scores, scored_rows, with_intervals
from hohoho.scores.measures import rank_scores, rsna_log_loss

RNG = np.random.default_rng(0)
TARGETS = (RNG.random((300, 5)) < [0.3, 0.1, 0.2, 0.4, 0.05]).astype(float)
PROBABILITIES = np.clip(0.5 * TARGETS + 0.6 * RNG.random((300, 5)), 0, 1).round(2)  # rounded: with ties
PATIENTS = np.repeat(np.arange(30), 10)
ONCE = unit_weights(30)
NAN = {"zero_division": np.nan}


def rows(targets=TARGETS, probabilities=PROBABILITIES, threshold=0.5, patients=PATIENTS):
    guess = with_any(probabilities)
    return scored_rows(with_any(targets), guess, guess >= threshold, patients)


def value(scores, name, score):
    return scores[name][score][0]


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.95])
def test_every_class_scores_as_scikit_learn_says(threshold):
    scores = class_scores(rows(threshold=threshold), ONCE)
    truth, guess = with_any(TARGETS), with_any(PROBABILITIES)
    for column, name in enumerate(CLASSES):
        t, p = truth[:, column], guess[:, column]
        positive = p >= threshold
        assert value(scores, name, "f2") == pytest.approx(metrics.fbeta_score(t, positive, beta=2))
        assert value(scores, name, "precision") == pytest.approx(
            metrics.precision_score(t, positive, **NAN), nan_ok=True
        )
        assert value(scores, name, "recall") == pytest.approx(metrics.recall_score(t, positive))
        assert value(scores, name, "specificity") == pytest.approx(metrics.recall_score(1 - t, ~positive))
        assert value(scores, name, "auroc") == pytest.approx(metrics.roc_auc_score(t, p))
        assert value(scores, name, "average_precision") == pytest.approx(metrics.average_precision_score(t, p))


def test_micro_and_macro_are_scikit_learns():
    scores, positive = class_scores(rows(), ONCE), PROBABILITIES >= 0.5
    for average in ("micro", "macro"):
        expected = {
            "f2": metrics.fbeta_score(TARGETS, positive, beta=2, average=average),
            "precision": metrics.precision_score(TARGETS, positive, average=average),
            "recall": metrics.recall_score(TARGETS, positive, average=average),
            "specificity": metrics.recall_score(1 - TARGETS, ~positive, average=average),
            "auroc": metrics.roc_auc_score(TARGETS, PROBABILITIES, average=average),
            "average_precision": metrics.average_precision_score(TARGETS, PROBABILITIES, average=average),
        }
        assert {score: value(scores, average, score) for score in expected} == pytest.approx(expected)


def test_a_patient_drawn_twice_counts_as_two_patients():
    draws = resample_weights(30, Resampling(20, seed=0))
    scores = class_scores(rows(), draws)
    for draw in range(20):
        repeated = np.repeat(np.arange(300), draws[draw][PATIENTS])
        again = class_scores(
            rows(TARGETS[repeated], PROBABILITIES[repeated], patients=repeated), unit_weights(len(set(repeated)))
        )
        for name, found in scores.items():
            assert {s: v[draw] for s, v in found.items()} == pytest.approx({s: v[0] for s, v in again[name].items()})


def test_weighted_ranks_are_scikit_learns_with_many_resamples_at_once(monkeypatch):
    monkeypatch.setattr("hohoho.scores.measures.CHUNK", 1000)
    draws = resample_weights(30, Resampling(50, seed=1))
    found = rank_scores(TARGETS[:, 0] > 0, PROBABILITIES[:, 0], PATIENTS, draws)
    for draw, weight in enumerate(draws[:, PATIENTS]):
        t, p = TARGETS[:, 0], PROBABILITIES[:, 0]
        assert found["auroc"][draw] == pytest.approx(metrics.roc_auc_score(t, p, sample_weight=weight))
        expected = metrics.average_precision_score(t, p, sample_weight=weight)
        assert found["average_precision"][draw] == pytest.approx(expected)


def test_a_class_without_positives_has_no_recall_and_macro_leaves_it_out():
    targets = TARGETS.copy()
    targets[:, 4] = 0
    scores = class_scores(rows(targets), ONCE)
    assert np.isnan([value(scores, "edh", score) for score in ("recall", "auroc", "average_precision")]).all()
    assert value(scores, "edh", "f2") == 0  # false alarms only
    positive = PROBABILITIES >= 0.5
    assert value(scores, "macro", "recall") == pytest.approx(
        metrics.recall_score(targets, positive, average="macro", **NAN)
    )


def test_nothing_to_find_and_nothing_found_is_no_score():
    scores = class_scores(rows(np.zeros((10, 5)), np.zeros((10, 5)), patients=np.arange(10)), unit_weights(10))
    assert np.isnan(value(scores, "micro", "f2"))
    assert value(scores, "micro", "specificity") == 1


def test_a_constant_score_ranks_like_a_coin():
    scores = class_scores(rows(probabilities=np.full((300, 5), 0.3)), ONCE)
    for column, name in enumerate(LABELS):
        assert value(scores, name, "auroc") == 0.5
        assert value(scores, name, "average_precision") == pytest.approx(TARGETS[:, column].mean())


def test_a_patient_with_one_slice_counts_by_its_slice():
    patients = np.r_[0, np.ones(299, dtype=int)]
    scores = class_scores(rows(patients=patients), np.array([[1, 0], [1, 1]]))
    assert value(scores, "micro", "recall") == pytest.approx(
        metrics.recall_score(TARGETS[:1], PROBABILITIES[:1] >= 0.5, average="micro", **NAN), nan_ok=True
    )
    assert scores["micro"]["f2"][1] == value(class_scores(rows(), ONCE), "micro", "f2")


def test_log_loss_is_rsnas_weighted_mean_over_six_labels():
    truth, guess = with_any(TARGETS), np.clip(with_any(PROBABILITIES), 0.01, 0.99)
    found = rsna_log_loss(truth > 0, guess, PATIENTS, ONCE)[0]
    losses = [metrics.log_loss(truth[:, c], guess[:, c]) for c in range(6)]
    assert found == pytest.approx(np.average(losses, weights=[1, 1, 1, 1, 1, 2]))


def test_log_loss_of_a_sure_mistake_is_finite():
    wrong = np.ones((4, 6), bool), np.zeros((4, 6)), np.zeros(4, int)
    assert rsna_log_loss(*wrong, unit_weights(1))[0] == pytest.approx(-np.log(1e-15))


def test_a_score_of_few_patients_has_no_interval_however_many_stand_beside_them():
    rng = np.random.default_rng(0)
    patients, place = np.repeat(np.arange(60), 10), np.arange(600) % 10
    for bleeding, carried in ((3, False), (19, False), (20, True)):
        truth = np.zeros((600, 5), int)
        truth[:, 0] = (patients < bleeding) & (place < 4)
        truth[:, 1] = place < 3
        guess = np.clip(truth * 0.3 + rng.random(truth.shape) * 0.7, 0, 1)
        rows = scored_rows(with_any(truth), with_any(guess), with_any(guess >= 0.5), patients)
        found = with_intervals(bootstrapped(rows, lambda weights: class_scores(rows, weights), Resampling(200, 0)))  # noqa: B023
        for score in ("f2", "recall", "auroc", "average_precision"):
            assert found["ich"][score]["patients"] == bleeding
            assert (found["ich"][score]["low"] is not None) == carried
            assert found["ivh"][score]["low"] is not None
        assert found["ich"]["specificity"]["low"] is not None
        assert found["micro"]["f2"]["patients"] == 60


def test_the_macro_mean_is_carried_five_times_by_its_weakest_class_and_at_most_by_the_middle_one():
    truth, patients = np.zeros((50, 5), int), np.arange(50)
    for column, bleeding in enumerate((4, 30, 25, 40, 0)):
        truth[:bleeding, column] = 1
    rows = scored_rows(with_any(truth), with_any(truth.astype(float)), with_any(truth), patients)
    macro = class_carriers(rows)["macro"]
    assert macro["recall"] == 16  # four classes have any: 4 × 4 < the middle of 4, 25, 30 and 40
    assert macro["specificity"] == 25  # 5 × 10 > the middle of 46, 20, 25, 10 and 50
