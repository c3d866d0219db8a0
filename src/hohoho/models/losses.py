"""Losses on logits for unbalanced multi-label targets: asymmetric, with focal and BCE as special cases."""

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn.functional import logsigmoid


class AsymmetricLoss(nn.Module):
    """Asymmetric loss of Ridnik, Ben-Baruch et al. 2020 (arXiv:2009.14119, eq. 4-7), summed over slices and classes.

    With p = sigmoid(z) and p_m = max(p - m, 0):  L+ = (1 - p)^gamma_pos log p,  L- = p_m^gamma_neg log(1 - p_m),
    L = -y L+ - (1 - y) L-.  gamma_pos = gamma_neg = clip = 0 is binary cross-entropy; equal gammas without clip are the
    focal loss. Computed in float32, value and gradient each by its own formula: both are finite for every finite logit,
    and the gradient of every element is right to some 1e-6 of itself, however small it is.

    gamma_pos, gamma_neg: focusing exponents, >= 0. clip: the probability margin m, 0 <= m < 1.
    pos_weight: (classes,) factor on L+, or None.
    Raises ValueError for a negative gamma or a clip outside [0, 1).
    """

    def __init__(
        self, gamma_pos: float = 0.0, gamma_neg: float = 2.0, clip: float = 0.05, pos_weight: Tensor | None = None
    ):
        super().__init__()
        if gamma_pos < 0 or gamma_neg < 0 or not 0 <= clip < 1:
            raise ValueError(f"needs gammas >= 0 and 0 <= clip < 1, got {gamma_pos=}, {gamma_neg=}, {clip=}")
        self.gamma_pos, self.gamma_neg, self.clip = gamma_pos, gamma_neg, clip
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """logits, targets: (..., classes), targets in [0, 1] (soft targets welcome). Returns a float32 scalar."""
        return _SummedLoss.apply(logits.float(), targets.float(), self)


class _SummedLoss(Function):
    """z, y, the loss → -sum(y L+ + (1 - y) L-). Autograd would lose the small gradients, and take longer."""

    @staticmethod
    def forward(ctx, z, y, loss):
        p, q = torch.sigmoid(z), torch.sigmoid(-z)  # q = 1 - p, not rounded to 0 where p is nearly 1
        positive, positive_slope = _focused_log(z, p, q, loss.gamma_pos)
        if loss.pos_weight is not None:
            positive, positive_slope = positive * loss.pos_weight, positive_slope * loss.pos_weight
        negative, negative_slope = _negative(z, p, q, loss.gamma_neg, loss.clip)
        ctx.save_for_backward(torch.lerp(negative_slope, positive_slope, y))  # (1 - y) and y as weights
        return -torch.lerp(negative, positive, y).sum()

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_output):
        (slope,) = ctx.saved_tensors
        return -grad_output * slope, None, None


def _focused_log(z: Tensor, p: Tensor, q: Tensor, gamma: float) -> tuple[Tensor, Tensor]:
    """L+ = q^gamma log p, and dL+/dz = q^gamma (q - gamma p log p)."""
    log_p = logsigmoid(z)
    if gamma == 0:
        return log_p, q
    focus = q**gamma
    return focus * log_p, focus * (q - gamma * p * log_p)


def _negative(z: Tensor, p: Tensor, q: Tensor, gamma: float, m: float) -> tuple[Tensor, Tensor]:
    """L- and dL-/dz = p q p_m^gamma (gamma log(u) / p_m - 1 / u) with u = 1 - p_m; both 0 where p <= m."""
    if m == 0:
        value, slope = _focused_log(-z, q, p, gamma)
        return value, -slope
    # p - m = p (1 - m) (1 - exp(z_m - z)) with sigmoid(z_m) = m: no digits cancel; float32 rounds z_m: two parts
    z_m = math.log(m / (1 - m))
    rounded = float(np.float32(z_m))
    p_m = (m - 1) * p * torch.expm1(((rounded - z) + (z_m - rounded)).clamp(max=0))
    # log(u) / p_m from one rounded u, whose error cancels in the quotient (Kahan's log1p)
    u = (q + m).clamp(max=1 - 2**-24)
    log_u_by_p_m = u.log() / (1 - u)
    focus = p_m**gamma if np.float32(gamma) else (z > rounded).float()
    return focus * p_m * log_u_by_p_m, p * q * focus * (gamma * log_u_by_p_m - 1 / u)


def build_loss(
    name: str, gamma_pos: float, gamma_neg: float, clip: float, pos_weight: list[float] | None
) -> AsymmetricLoss:
    """The loss by its name: asymmetric, focal (gamma_neg for both, no clip) or bce. pos_weight: one factor a class."""
    pos_weight = None if pos_weight is None else torch.tensor(pos_weight)
    match name:
        case "asymmetric":
            return AsymmetricLoss(gamma_pos, gamma_neg, clip, pos_weight)
        case "focal":
            return AsymmetricLoss(gamma_neg, gamma_neg, 0.0, pos_weight)
        case "bce":
            return AsymmetricLoss(0.0, 0.0, 0.0, pos_weight)
    raise ValueError(f"unknown loss {name!r}: asymmetric, focal or bce")


def summed_bce(pos_weight: list[float] | None) -> nn.Module:
    """Binary cross-entropy, summed. pos_weight: one factor a class, or None."""
    return nn.BCEWithLogitsLoss(reduction="sum", pos_weight=None if pos_weight is None else torch.tensor(pos_weight))
