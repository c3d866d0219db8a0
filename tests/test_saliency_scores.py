import numpy as np
import pytest

from hohoho.labels import LABELS
from hohoho.saliency.scores import Lesions, area_share, best_method, pointing_hits, saliency_scores, share_inside
from hohoho.scores.bootstrap import MIN_PATIENTS, Resampling

NO_INTERVALS = Resampling(0, 0)
MASKS = np.zeros((2, 4, 5), bool)
MASKS[0, 1:3, 1:3] = True  # 4 of 20 pixels
MASKS[1, 0, 0] = True  # 1 of 20


def test_uniform_saliency_has_the_bleeds_share_of_the_area_inside():
    uniform = np.full(MASKS.shape, 0.3, np.float32)
    assert share_inside(uniform, MASKS) == pytest.approx([0.2, 0.05])
    assert share_inside(uniform, MASKS) == pytest.approx(area_share(MASKS))


def test_the_pointing_game_is_won_where_the_highest_pixel_lies_in_the_bleed():
    maps = np.full(MASKS.shape, 0.1, np.float32)
    maps[0, 2, 2] = 1
    maps[1, 0, 1] = 1  # one pixel beside the bleed
    assert pointing_hits(maps, MASKS).tolist() == [True, False]


def test_saliency_of_nothing_points_nowhere():
    nothing = np.zeros(MASKS.shape, np.float32)
    assert pointing_hits(nothing, MASKS).tolist() == [False, False]
    assert share_inside(nothing, MASKS).tolist() == [0, 0]


def lesions_of(masks, classes, patients=None):
    patients = np.arange(len(masks)) if patients is None else patients
    return Lesions(np.arange(len(masks)), np.array(classes), masks, np.array(patients).astype(str))


def test_perfect_saliency_beats_uniform_and_the_table_holds_both():
    maps = {"gradient": np.ones(MASKS.shape, np.float32), "grad_cam": MASKS.astype(np.float32)}
    found = saliency_scores(maps, lesions_of(MASKS, [0, 3]), np.array([True, True]), NO_INTERVALS)
    assert best_method(found) == "grad_cam"
    assert found["group"].tolist() == ["all"] * 3 + ["found"] * 3, "nothing was missed"
    found = found[found["group"] == "all"].set_index("method")
    assert found.loc["grad_cam", ["pointing_game", "share_inside"]].tolist() == [1, 1]
    assert found.loc["uniform", "share_inside"] == found.loc["gradient", "share_inside"] == 0.125
    assert found.loc["grad_cam", "times_uniform"] == 8
    assert found.loc["uniform", ["share_ich", "share_sdh"]].tolist() == [0.2, 0.05]
    assert np.isnan(found.loc["uniform", f"share_{LABELS[1]}"])


def test_found_and_missed_bleeds_are_scored_apart():
    masks = np.repeat(MASKS, 2, axis=0)
    maps = {"gradient": masks * np.array([1, 1, 0, 0], np.float32)[:, None, None]}
    table = saliency_scores(maps, lesions_of(masks, [0, 0, 3, 3]), np.array([True, True, False, False]), NO_INTERVALS)
    shares = table[table["method"] == "gradient"].set_index("group")
    assert shares["share_inside"].to_dict() == {"all": 0.5, "found": 1, "missed": 0}
    assert shares["bleeds"].to_dict() == {"all": 4, "found": 2, "missed": 2}
    chance = table[table["method"] == "uniform"].set_index("group")["share_inside"].to_dict()
    assert chance == {"all": 0.125, "found": 0.2, "missed": 0.05}


def many(patients, each):
    """Bleeds of `patients` patients, `each` apiece, all of a patient's equally well found: (maps, lesions)."""
    good = np.repeat(np.random.default_rng(0).random(patients), each).astype(np.float32)
    masks = np.zeros((len(good), 2, 2), bool)
    masks[:, 0, 0] = True
    maps = np.zeros(masks.shape, np.float32)
    maps[:, 0, 0], maps[:, 1, 1] = good, 1 - good
    return {"gradient": maps}, lesions_of(masks, [0] * len(good), np.repeat(np.arange(patients), each))


def width(each, patients=30):
    maps, lesions = many(patients, each)
    row = saliency_scores(maps, lesions, np.ones(len(lesions.rows), bool), Resampling(400, 0)).iloc[0]
    assert row["patients"] == patients and row["bleeds"] == patients * each
    assert row["share_inside_low"] < row["share_inside"] < row["share_inside_high"]
    assert row["pointing_game_low"] < row["pointing_game"] < row["pointing_game_high"]
    assert row["times_uniform_low"] == pytest.approx(4 * row["share_inside_low"], abs=3e-4)
    return row["share_inside_high"] - row["share_inside_low"]


def test_more_bleeds_of_the_same_patients_make_no_narrower_interval():
    assert width(1) == pytest.approx(width(4))


@pytest.mark.parametrize(("patients", "promised"), [(MIN_PATIENTS - 1, False), (MIN_PATIENTS, True)])
def test_few_patients_with_many_bleeds_get_no_interval(patients, promised):
    maps, lesions = many(patients, 9)
    row = saliency_scores(maps, lesions, np.ones(len(lesions.rows), bool), Resampling(100, 0)).iloc[0]
    assert np.isfinite(row["share_inside_low"]) == promised


def test_without_known_bleeds_there_is_no_score_and_no_best_method():
    found = saliency_scores({}, lesions_of(np.empty((0, 4, 5), bool), []), np.empty(0, bool), NO_INTERVALS)
    assert found.empty
    assert best_method(found) is None
