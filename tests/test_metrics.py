import numpy as np
import pytest
from sklearn.metrics import fbeta_score

from hohoho.scores.f2 import all_positive_f2, confusion_counts, f2, micro_f2


def test_f2_of_a_hand_count():
    targets = np.array([[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [0, 0, 0, 0, 1]])
    answers = np.array([[0.9, 0.9, 0, 0, 0], [0.1, 0.5, 0, 0, 0], [0.7, 0, 0, 0, 0.2]])
    # true positives: (0,0) (1,1); false positives: (0,1) (2,0); false negatives: (1,0) (2,4)
    assert micro_f2(targets, answers) == pytest.approx(5 * 2 / (5 * 2 + 4 * 2 + 2))


def test_f2_weighs_a_missed_bleed_four_times_a_false_alarm():
    found = np.array([[1.0] * 4 + [0.0]] * 2)
    truth = found.astype(int)
    missed, alarms = found.copy(), found.copy()
    missed[0, 0] = 0
    alarms[:, 4] = 1
    beside = np.vstack([alarms, alarms]), np.vstack([truth, truth])  # four alarms on twice the bleeds
    assert micro_f2(beside[1], beside[0]) == pytest.approx(5 * 16 / (5 * 16 + 4))
    assert micro_f2(truth, missed) == pytest.approx(5 * 7 / (5 * 7 + 4))


def test_f2_equals_scikit_learn_pooled_and_per_class():
    rng = np.random.default_rng(0)
    targets, probabilities = rng.integers(0, 2, (200, 5)), rng.random((200, 5))
    for threshold in (0.2, 0.5, 0.9):
        positive = probabilities >= threshold
        micro = fbeta_score(targets, positive, beta=2, average="micro")
        assert micro_f2(targets, probabilities, threshold) == pytest.approx(micro, abs=1e-12)
        per_class = f2(confusion_counts(targets.astype(bool), positive, lambda mask: mask.sum(0)))
        assert per_class == pytest.approx(fbeta_score(targets, positive, beta=2, average=None))


def test_the_floor_answers_yes_to_everything():
    targets = np.zeros((10, 5))
    targets[:3, 1] = 1
    assert all_positive_f2(targets) == pytest.approx(5 * 3 / (5 * 3 + 47))


def test_nothing_to_find_and_nothing_found_scores_zero():
    assert micro_f2(np.zeros((4, 5)), np.zeros((4, 5))) == 0


@pytest.mark.parametrize(("targets", "probabilities"), [(np.nan, 0.5), (0.5, 0.5), (1.0, np.nan)])
def test_nan_and_soft_targets_are_an_error_not_a_score(targets, probabilities):
    with pytest.raises(ValueError, match="NaN|0 or 1"):
        micro_f2(np.full((2, 5), targets), np.full((2, 5), probabilities))
