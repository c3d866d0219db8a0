import numpy as np
import pytest

from hohoho.figures.loss_gradients import gradient_curves, plot


def closed_form(p, gamma, clip):
    """dL/dz of L- = p_m^gamma log(1 - p_m), by hand (arXiv:2009.14119, eq. 11)."""
    p_m = np.maximum(p - clip, 0)
    inner = p_m**gamma / (1 - p_m)
    if gamma:
        inner = inner - gamma * p_m ** (gamma - 1) * np.log1p(-p_m)
    return np.where(p > clip, p * (1 - p) * inner, 0)


@pytest.mark.parametrize(("gamma", "clip"), [(2, 0.05), (4, 0.2)])
def test_the_gradient_curves_equal_their_closed_forms_scaled_to_a_maximum_of_one(gamma, clip):
    curves = gradient_curves(gamma, clip)
    knobs = {"cross_entropy": (0, 0), "ce_shift": (0, clip), "asymmetric_focusing": (gamma, 0), "asl": (gamma, clip)}
    for name, values in knobs.items():
        expected = closed_form(curves["p"].to_numpy(), *values)
        assert curves[name].max() == 1
        np.testing.assert_allclose(curves[name], expected / expected.max(), atol=2e-5)


def test_the_asymmetric_loss_ignores_a_negative_below_its_margin():
    curves = gradient_curves(2, 0.1)
    assert (curves.loc[curves["p"] < 0.1, "asl"] == 0).all()
    assert (curves.loc[curves["p"] > 0.11, "asl"] > 0).all()


def test_the_figure_names_both_axes():
    axes = plot(gradient_curves(2, 0.05), 2, 0.05).axes[0]
    assert "probability" in axes.get_xlabel()
    assert "gradient" in axes.get_ylabel()
    assert len(axes.lines) == 4
