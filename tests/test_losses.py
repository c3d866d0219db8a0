import math

import pytest
import torch
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
