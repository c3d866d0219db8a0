"""HU → 8-bit picture: exact at the window's ends, true in proportion."""

from fractions import Fraction

import numpy as np
import pytest

from hohoho.scans.windowing import window_and_resize, window_uint8


def test_the_window_runs_from_center_minus_to_center_plus_half_its_width():
    assert window_uint8([-1024, 0, 16, 40, 80, 3000], 40, 80).tolist() == [0, 0, 51, 128, 255, 255]


def test_every_hu_agrees_with_the_formula_of_the_standard():
    hu = np.arange(-1024, 3072)
    expected = [round(min(max((Fraction(x - 35, 110) + Fraction(1, 2)) * 255, 0), 255)) for x in hu.tolist()]
    assert window_uint8(hu, 35, 110).tolist() == expected


EVERY_HU = np.arange(-(2**15), 2**15).reshape(256, 256)


@pytest.mark.parametrize(
    "window",
    [(40, 80), (36, 80), (35.5, 80), (40, 79.5), (80, 200), (-1000, 100), (600, 2800), (32760, 80), (-32760, 80)],
)
def test_whole_numbers_are_windowed_exactly_as_the_same_floats_are(window):
    assert np.array_equal(
        window_uint8(EVERY_HU.astype(np.int16), *window), window_uint8(EVERY_HU.astype(float), *window)
    )


def test_shrinking_takes_the_mean_of_the_area():
    hu = np.kron(np.array([[0, 80], [80, 0]]), np.ones((4, 4)))
    hu[0, 0] = 80  # one pixel of sixteen
    assert window_and_resize(hu, (1, 1), 2, 40, 80).tolist() == [[16, 255], [255, 0]]


def test_a_picture_of_the_right_size_is_windowed_and_not_touched():
    hu = np.random.default_rng(0).integers(-50, 120, (32, 32))
    assert np.array_equal(window_and_resize(hu, (0.5, 0.5), 32, 40, 80), window_uint8(hu, 40, 80))


@pytest.mark.parametrize("shape", [(20, 40), (40, 20), (7, 13), (1, 50)])
def test_oblong_matrices_are_padded_with_air_in_the_middle(shape):
    picture = window_and_resize(np.full(shape, 80), (1, 1), 40, 40, 80)
    assert picture.shape == (40, 40)
    rows, columns = np.flatnonzero(picture.any(1)), np.flatnonzero(picture.any(0))
    wanted = [max(1, round(side * 40 / max(shape))) for side in shape]
    assert [len(rows), len(columns)] == wanted
    assert abs(rows[0] - (39 - rows[-1])) <= 1 and abs(columns[0] - (39 - columns[-1])) <= 1


def test_oblong_pixels_are_resampled_to_their_true_proportion():
    picture = window_and_resize(np.full((32, 32), 80), (0.5, 1.0), 32, 40, 80)
    assert (picture == 255).sum(0).tolist() == [16] * 32


def test_enlarging_keeps_values_within_the_picture():
    picture = window_and_resize(np.full((5, 5), 40), (1, 1), 16, 40, 80)
    assert picture.shape == (16, 16) and (picture == 128).all()


def test_air_around_the_picture_is_air_in_any_window():
    assert window_and_resize(np.full((4, 8), 80), (1, 1), 8, -1000, 100)[0, 0] == window_uint8(-1024, -1000, 100)
