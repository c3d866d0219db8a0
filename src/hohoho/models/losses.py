"""Losses on logits for unbalanced multi-label targets: asymmetric, with focal and BCE as special cases."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid


class AsymmetricLoss(nn.Module):
    """Asymmetric loss of Ridnik, Ben-Baruch et al. 2020 (arXiv:2009.14119, eq. 4-7), summed over slices and classes.

    With p = sigmoid(z) and p_m = max(p - m, 0):  L+ = (1 - p)^gamma_pos log p,  L- = p_m^gamma_neg log(1 - p_m),
    L = -y L+ - (1 - y) L-.  gamma_pos = gamma_neg = clip = 0 is binary cross-entropy; equal gammas without clip are the
    focal loss. Computed in float32 from log-sigmoids, so that value and gradient are finite for every finite logit.

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
        z, y = logits.float(), targets.float()
        positive = y * (torch.exp(self.gamma_pos * logsigmoid(-z)) * logsigmoid(z))
        if self.pos_weight is not None:
            positive = positive * self.pos_weight
        return -(positive + (1 - y) * self._negative(z)).sum()

    def _negative(self, z: Tensor) -> Tensor:
        if self.clip == 0:
            return torch.exp(self.gamma_neg * logsigmoid(z)) * logsigmoid(-z)
        above = torch.sigmoid(z) > self.clip  # elsewhere p_m = 0, and with it loss and gradient
        p_m = torch.where(above, torch.sigmoid(z) - self.clip, 1.0)  # 1: any value with a finite gradient
        log_1_minus_p_m = torch.logaddexp(logsigmoid(-z), torch.full_like(z, math.log(self.clip)))
        return torch.where(above, p_m**self.gamma_neg * log_1_minus_p_m, 0.0)


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
