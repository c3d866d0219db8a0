import numpy as np
import pytest

from hohoho.labels import LABELS
from hohoho.saliency.scores import area_share, best_method, pointing_hits, saliency_scores, share_inside

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


def test_perfect_saliency_beats_uniform_and_the_table_holds_both():
    maps = {"gradient": np.ones(MASKS.shape, np.float32), "grad_cam": MASKS.astype(np.float32)}
    found = saliency_scores(maps, MASKS, np.array([0, 3])).set_index("method")
    assert found.loc["grad_cam", ["pointing_game", "share_inside"]].tolist() == [1, 1]
    assert found.loc["uniform", "share_inside"] == found.loc["gradient", "share_inside"] == 0.125
    assert found.loc["grad_cam", "times_uniform"] == 8
    assert found.loc["uniform", ["share_ich", "share_sdh"]].tolist() == [0.2, 0.05]
    assert np.isnan(found.loc["uniform", f"share_{LABELS[1]}"])
    assert best_method(found.reset_index()) == "grad_cam"


def test_without_known_bleeds_there_is_no_score_and_no_best_method():
    found = saliency_scores({}, np.empty((0, 4, 5), bool), np.empty(0, int))
    assert found.empty
    assert best_method(found) is None
