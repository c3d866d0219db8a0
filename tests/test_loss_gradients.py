import numpy as np
import pytest
import torch
from figure_run import run_of

from hohoho.figures.loss_gradients import draw, gradient_curves, plot
from hohoho.labels import LABELS
from hohoho.models.losses import build_loss

WEIGHTS = [7.5, 11.2, 7.6, 5.1, 24.0]


def negative(p, gamma, clip):
    """dL/dz of L- = p_m^gamma log(1 - p_m), by hand (arXiv:2009.14119, eq. 11)."""
    p_m = np.maximum(p - clip, 0)
    inner = p_m**gamma / (1 - p_m)
    if gamma:
        inner = inner - gamma * p_m ** (gamma - 1) * np.log1p(-p_m)
    return np.where(p > clip, p * (1 - p) * inner, 0)


def positive(p, gamma):
    """-dL/dz of L+ = (1 - p)^gamma log p, by hand."""
    return (1 - p) ** gamma * ((1 - p) - gamma * p * np.log(p))


@pytest.mark.parametrize(
    ("name", "gamma_pos", "gamma_neg", "clip", "effective"),
    [
        ("asymmetric", 0, 2, 0.05, (0, 2, 0.05)),
        ("asymmetric", 1, 4, 0.2, (1, 4, 0.2)),
        ("asymmetric", 0, 4, 0, (0, 4, 0)),
        ("asymmetric", 0, 0, 0.1, (0, 0, 0.1)),
        ("focal", 0, 2, 0.05, (2, 2, 0)),
        ("bce", 1, 2, 0.05, (0, 0, 0)),
    ],
)
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_the_rows_own_loss_is_drawn_beside_bce_by_its_closed_form(name, gamma_pos, gamma_neg, clip, effective, weights):
    curves = gradient_curves(build_loss(name, gamma_pos, gamma_neg, clip, weights))
    p, (gamma_pos, gamma_neg, clip) = curves["p"].to_numpy(), effective
    expected = {"own": (gamma_neg, clip), "cross_entropy": (0, 0)}
    if gamma_neg and clip:
        expected |= {"ce_shift": (0, clip), "asymmetric_focusing": (gamma_neg, 0)}
    assert {column for column in curves if column.startswith("negative")} == {f"negative_{name}" for name in expected}
    for loss, values in expected.items():
        by_hand = negative(p, *values)
        np.testing.assert_allclose(curves[f"negative_{loss}"], by_hand / by_hand.max(), atol=2e-5)
    np.testing.assert_allclose(curves["positive_cross_entropy"], 1 - p, atol=2e-5)
    own = dict(zip((f"own_{label}" for label in LABELS), weights, strict=True)) if weights else {"own": 1}
    assert sum(column.startswith("positive") for column in curves) == 1 + len(own)
    for loss, weight in own.items():
        np.testing.assert_allclose(curves[f"positive_{loss}"], weight * positive(p, gamma_pos), rtol=1e-3, atol=2e-5)


@pytest.mark.parametrize(
    ("loss", "said", "unsaid"),
    [
        (build_loss("bce", 0, 2, 0.05, None), ["BCE, beside"], ["γ", "weighted", "shift"]),
        (build_loss("bce", 0, 2, 0.05, WEIGHTS), ["BCE, beside", "weighted by class"], ["γ", "shift"]),
        (build_loss("focal", 0, 3, 0.05, None), ["focal loss (γ = 3)", "Focusing"], ["shift", "weighted"]),
        (build_loss("asymmetric", 1, 4, 0.2, None), ["γ⁺ = 1, γ⁻ = 4, m = 0.2", "Focusing", "shift"], ["weighted"]),
    ],
)
def test_caption_and_legend_name_the_rows_own_loss_and_nothing_that_it_lacks(loss, said, unsaid):
    drawn = draw(run_of()._replace(loss=loss))
    legend = " ".join(text.get_text() for axes in drawn.figure.axes for text in axes.get_legend().get_texts())
    assert all(text in drawn.caption for text in said)
    assert not any(text in drawn.caption + legend for text in unsaid)
    assert ("edh: × 24" in legend) == (loss.pos_weight is not None)
    assert "trained" not in drawn.caption


def test_the_asymmetric_loss_ignores_a_negative_below_its_margin():
    curves = gradient_curves(build_loss("asymmetric", 0, 2, 0.1, None))
    assert (curves.loc[curves["p"] < 0.1, "negative_own"] == 0).all()
    assert (curves.loc[curves["p"] > 0.11, "negative_own"] > 0).all()


def test_the_figure_names_both_axes():
    loss = build_loss("asymmetric", 0, 2, 0.05, None)
    left, right = plot(gradient_curves(loss), loss).axes
    for axes in (left, right):
        assert "probability" in axes.get_xlabel()
        assert "gradient" in axes.get_ylabel()
    assert (len(left.lines), len(right.lines)) == (4, 2)


def test_a_loss_on_the_figure_is_left_as_it_was():
    loss = build_loss("bce", 0, 0, 0, WEIGHTS)
    gradient_curves(loss)
    assert torch.equal(loss.pos_weight, torch.tensor(WEIGHTS))
