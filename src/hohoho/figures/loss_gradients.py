"""Figure 3: gradient of each loss with respect to the logit of a negative slice, by autograd of our own losses."""

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

from hohoho.figures.drawn import Drawn
from hohoho.figures.run import Run
from hohoho.figures.style import BLACK, BLUE, SKY, SMALL_PT, VERMILLION, canvas, label_axes
from hohoho.models.losses import AsymmetricLoss

CAPTION = (
    "How hard each loss pulls at a negative slice, by autograd of the repository's own loss. Focusing (γ⁻) lets go of "
    "easy negatives, the shift (m) also of those that the model is sure are positive: the label may be wrong."
)
PROBABILITIES = np.linspace(0, 1, 201)[1:-1].round(3)  # without the ends, whose logits are infinite


def draw(run: Run) -> Drawn:
    """Of the loss that the run's CNN was trained with."""
    curves = gradient_curves(*run.loss)
    return Drawn(plot(curves, *run.loss), CAPTION, {"loss_gradients": curves})


def gradient_curves(gamma_neg: float, clip: float) -> pd.DataFrame:
    """dL/dz of a negative (y = 0) against p = sigmoid(z), each loss scaled to a maximum of 1.

    arXiv:2009.14119, section 3 and figure "gradient analysis". One column per loss, `p` first.
    """
    losses = {
        "cross_entropy": (0, 0),
        "ce_shift": (0, clip),
        "asymmetric_focusing": (gamma_neg, 0),
        "asl": (gamma_neg, clip),
    }
    curves = {name: negative_gradient(AsymmetricLoss(0, *params), PROBABILITIES) for name, params in losses.items()}
    return pd.DataFrame({"p": PROBABILITIES} | {name: (g / g.max()).round(6) for name, g in curves.items()})


def negative_gradient(loss: torch.nn.Module, probabilities: np.ndarray) -> np.ndarray:
    """dL/dz of negatives at these probabilities, in float64."""
    logits = torch.logit(torch.as_tensor(probabilities)).float().requires_grad_()
    loss(logits, torch.zeros_like(logits)).backward()
    return logits.grad.double().numpy()


def plot(curves: pd.DataFrame, gamma_neg: float, clip: float) -> Figure:
    """The curves of `gradient_curves`."""
    figure = canvas(4.2, "Figure 3 · Asymmetric loss lets easy negatives go, and very hard ones too")
    axes = figure.subplots()
    lines = {
        "cross_entropy": (BLACK, "--", "cross-entropy"),
        "ce_shift": (SKY, "-.", f"cross-entropy + shift (m = {clip:g})"),
        "asymmetric_focusing": (BLUE, ":", f"asymmetric focusing (γ⁻ = {gamma_neg:g})"),
        "asl": (VERMILLION, "-", f"asymmetric loss (γ⁻ = {gamma_neg:g}, m = {clip:g})"),
    }
    for name, (colour, dash, text) in lines.items():
        axes.plot(curves["p"], curves[name], dash, color=colour, linewidth=2, label=text)
    label_axes(axes, "predicted probability p of a negative slice", "gradient dL/dz, scaled to maximum 1")
    axes.set(xlim=(0, 1), ylim=(0, 1.03))
    axes.legend(fontsize=SMALL_PT, frameon=False, loc="upper left")
    return figure
