"""Figure 3: how hard each loss pulls at a negative slice, by autograd of the losses that train the models."""

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

from hohoho.figures.drawn import GRADIENT_COLUMNS
from hohoho.figures.style import BLACK, BLUE, SKY, SMALL_PT, VERMILLION, canvas, label_axes
from hohoho.models.losses import AsymmetricLoss

CROSS_ENTROPY, SHIFT, FOCUSING, ASYMMETRIC = GRADIENT_COLUMNS[1:]
LINES = {CROSS_ENTROPY: (BLACK, "--"), SHIFT: (SKY, "-."), FOCUSING: (BLUE, ":"), ASYMMETRIC: (VERMILLION, "-")}
PROBABILITIES = np.linspace(0, 1, 201)[1:-1].round(3)  # without the ends, whose logits are infinite


def gradient_curves(gamma_neg: float, clip: float) -> pd.DataFrame:
    """dL/dz of a negative (y = 0) against p = sigmoid(z), each loss scaled to a maximum of 1.

    arXiv:2009.14119, section 3 and figure "gradient analysis". One column per loss, `p` first.
    """
    losses = {CROSS_ENTROPY: (0, 0), SHIFT: (0, clip), FOCUSING: (gamma_neg, 0), ASYMMETRIC: (gamma_neg, clip)}
    curves = {name: negative_gradient(AsymmetricLoss(0, *knobs), PROBABILITIES) for name, knobs in losses.items()}
    return pd.DataFrame(
        {GRADIENT_COLUMNS[0]: PROBABILITIES} | {name: (g / g.max()).round(6) for name, g in curves.items()}
    )


def negative_gradient(loss: torch.nn.Module, probabilities: np.ndarray) -> np.ndarray:
    """dL/dz of negatives at these probabilities, in float64."""
    logits = torch.logit(torch.as_tensor(probabilities)).float().requires_grad_()
    loss(logits, torch.zeros_like(logits)).backward()
    return logits.grad.double().numpy()


def draw(curves: pd.DataFrame, gamma_neg: float, clip: float) -> Figure:
    """The curves of `gradient_curves`."""
    figure = canvas(4.2, "Figure 3 · Asymmetric loss lets easy negatives go, and very hard ones too")
    axes = figure.subplots()
    names = {
        CROSS_ENTROPY: "cross-entropy",
        SHIFT: f"cross-entropy + shift (m = {clip:g})",
        FOCUSING: f"asymmetric focusing (γ⁻ = {gamma_neg:g})",
        ASYMMETRIC: f"asymmetric loss (γ⁻ = {gamma_neg:g}, m = {clip:g})",
    }
    for name, (colour, dash) in LINES.items():
        axes.plot(curves["p"], curves[name], dash, color=colour, linewidth=2, label=names[name])
    label_axes(axes, "predicted probability p of a negative slice", "gradient dL/dz, scaled to maximum 1")
    axes.set(xlim=(0, 1), ylim=(0, 1.03))
    axes.legend(fontsize=SMALL_PT, frameon=False, loc="upper left")
    return figure
