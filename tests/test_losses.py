import math

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.nn.functional import binary_cross_entropy_with_logits

from hohoho.models.losses import AsymmetricLoss, build_loss


def paper_loss(z, y, gamma_pos, gamma_neg, m):
    """Equations 4-7 of arXiv:2009.14119 in Python floats, one element at a time."""
    p = 1 / (1 + math.exp(-z))
    p_m = max(p - m, 0.0)
    positive = (1 - p) ** gamma_pos * math.log(p)
    negative = (p_m**gamma_neg if p_m > 0 or gamma_neg == 0 else 0.0) * math.log(1 - p_m)
    return -y * positive - (1 - y) * negative


@pytest.mark.parametrize("gammas", [(0, 0), (0, 2), (1, 4), (2, 2), (0.5, 0.7)])
@pytest.mark.parametrize("clip", [0, 0.05, 0.2])
def test_equals_a_scalar_twin_of_the_papers_formula(gammas, clip):
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(7, 5, generator=generator) * 3
    y = torch.rand(7, 5, generator=generator).round(decimals=1)
    twin = sum(paper_loss(float(a), float(b), *gammas, clip) for a, b in zip(z.ravel(), y.ravel(), strict=True))
    assert float(AsymmetricLoss(*gammas, clip)(z, y)) == pytest.approx(twin, rel=1e-5)


def test_without_focusing_and_clip_it_is_binary_cross_entropy():
    z, y = torch.linspace(-20, 20, 35).view(7, 5), (torch.arange(35).view(7, 5) % 3 == 0).float()
    weight = torch.tensor([1.0, 2, 3, 4, 5])
    for pos_weight in (None, weight):
        ours = AsymmetricLoss(0, 0, 0, pos_weight)(z, y)
        theirs = binary_cross_entropy_with_logits(z, y, pos_weight=pos_weight, reduction="sum")
        assert ours.item() == pytest.approx(theirs.item(), rel=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize(
    ("gamma_pos", "gamma_neg", "clip"), [(0, 0, 0), (0, 2, 0.05), (1, 4, 0), (0, 0.5, 0.05), (0, 4, 0.05)]
)
def test_is_finite_with_the_right_gradient_at_extreme_logits(dtype, gamma_pos, gamma_neg, clip):
    z = torch.tensor([-50.0, -50, 50, 50, 0], dtype=dtype, requires_grad=True)
    y = torch.tensor([0.0, 1, 0, 1, 1])
    loss = AsymmetricLoss(gamma_pos, gamma_neg, clip)(z, y)
    (gradient,) = torch.autograd.grad(loss, z)
    assert torch.isfinite(loss)
    assert torch.isfinite(gradient).all()

    # in the limit: a sure and right answer has no gradient; a missed bleed has p - 1 = -1
    saturated = 1.0 if clip == 0 else 0.0  # with a clip the loss of a sure false alarm levels off at log m
    wanted = torch.tensor([0.0, -1.0, saturated, 0.0])
    assert torch.allclose(gradient[:4].float(), wanted, atol=1e-2)


def test_gradient_agrees_with_finite_differences():
    z = torch.linspace(-8, 8, 41)
    for y in (0.0, 0.5, 1.0):
        for gammas, clip in (((0, 2), 0.05), ((1, 4), 0.0), ((2, 2), 0.2)):
            loss = AsymmetricLoss(*gammas, clip)
            leaf = z.clone().requires_grad_()
            (gradient,) = torch.autograd.grad(loss(leaf, torch.full_like(z, y)), leaf)
            h = 1e-6
            for at, slope in zip(z.tolist(), gradient.tolist(), strict=True):
                if abs(1 / (1 + math.exp(-at)) - clip) < 1e-4:
                    continue  # the kink of max(p - m, 0)
                rise = paper_loss(at + h, y, *gammas, clip) - paper_loss(at - h, y, *gammas, clip)
                assert slope == pytest.approx(rise / (2 * h), abs=2e-4)


def exact_gradient(z, y, gamma_pos, gamma_neg, m):
    """dL/dz by hand in float64, of logits that are float32; y is 0 or 1 for all."""
    p, q = 1 / (1 + np.exp(-z)), 1 / (1 + np.exp(z))
    if y:
        return -(q**gamma_pos) * (q + gamma_pos * p * np.log1p(np.exp(-z)))
    p_m = np.maximum(p - m, 0) if m else p
    log_term = np.where(p > 0.5, np.log(q + m), np.log1p(-p_m))
    return np.where(p_m > 0, p * q * (p_m**gamma_neg / (q + m) - gamma_neg * p_m ** (gamma_neg - 1) * log_term), 0)


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 4), st.floats(0, 4), st.just(0.0) | st.floats(1e-3, 0.9), st.booleans())
@example(0.0, 2.0, 0.05, False)
@example(0.0, 0.0, 0.05, False)
@np.errstate(divide="ignore", invalid="ignore")
def test_every_gradient_is_right_to_a_millionth_of_itself_for_logits_within_50(gamma_pos, gamma_neg, clip, bleeds):
    margin = np.log(clip / (1 - clip)) if clip else 0.0
    z = np.concatenate([np.linspace(-50, 50, 2001), margin + np.geomspace(1e-5, 1, 50)]).astype(np.float32)
    leaf = torch.tensor(z, requires_grad=True)
    loss = AsymmetricLoss(gamma_pos, gamma_neg, clip)(leaf, torch.full_like(leaf, float(bleeds)))
    (gradient,) = torch.autograd.grad(loss, leaf)
    exact = exact_gradient(z.astype(np.float64), bleeds, gamma_pos, gamma_neg, clip)
    np.testing.assert_allclose(gradient.double(), exact, rtol=5e-6, atol=1e-30)  # float32 ends at 1e-38


def test_a_logit_on_the_margin_itself_has_no_gradient():
    z = torch.logit(torch.tensor([0.05], dtype=torch.float64)).float().requires_grad_()
    (gradient,) = torch.autograd.grad(AsymmetricLoss(0, 0, 0.05)(z, torch.zeros(1)), z)
    assert gradient.item() == 0


def test_a_logit_that_is_not_a_number_is_not_hidden():
    z = torch.tensor([torch.nan, 0.0])
    assert torch.isnan(AsymmetricLoss(0, 2, 0.05)(z, torch.zeros(2)))


def test_negatives_below_the_clip_have_neither_loss_nor_gradient():
    z = torch.full((3,), -4.0, requires_grad=True)  # p = 0.018
    loss = AsymmetricLoss(0, 2, 0.05)(z, torch.zeros(3))
    assert loss.item() == 0
    assert torch.autograd.grad(loss, z)[0].abs().max() == 0


def test_focal_is_asymmetric_with_equal_gammas_and_no_clip():
    z, y = torch.randn(4, 5, generator=torch.Generator().manual_seed(1)), torch.eye(5)[:4]
    assert build_loss("focal", 9, 2, 0.3, None)(z, y) == AsymmetricLoss(2, 2, 0)(z, y)


@pytest.mark.parametrize("wrong", [{"gamma_pos": -1}, {"gamma_neg": -0.1}, {"clip": 1.0}, {"clip": -0.1}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match="needs gammas"):
        AsymmetricLoss(**wrong)
    with pytest.raises(ValueError, match="unknown loss"):
        build_loss("hinge", 0, 0, 0, None)
