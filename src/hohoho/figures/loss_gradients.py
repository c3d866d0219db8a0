"""Figure 3: gradient of the row's own loss with respect to the logit, beside BCE's, by autograd of our own losses."""

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

from hohoho.figures.colours import BLACK, BLUE, GREEN, GREY, SKY, VERMILLION
from hohoho.figures.drawn import Drawn
from hohoho.figures.run import Run
from hohoho.figures.style import SMALL_PT, TEXT_PT, canvas, label_axes
from hohoho.labels import LABELS
from hohoho.models.losses import AsymmetricLoss

TITLE = "Figure 3 · How hard this run's loss pulls at a negative and at a positive slice"
FOCUSING = " Focusing (γ⁻) lets go of easy negatives."
SHIFT = (
    " The shift (m) lets go of the easiest, and of those that the model is sure are positive: the label may be wrong."
)
WEIGHTS = " Positives are weighted by class, by the negatives per positive in training."
TOGETHER = " Together with the LSTM, the CNN then went on with the LSTM's loss, BCE."
PROBABILITIES = np.linspace(0, 1, 201)[1:-1].round(3)  # without the ends, whose logits are infinite
BCE, OWN = "cross_entropy", "own"
CLASS_COLOURS = dict(zip(LABELS, (BLUE, SKY, GREEN, VERMILLION, GREY), strict=True))


def draw(run: Run) -> Drawn:
    """Of the loss that the run's CNN was trained with."""
    loss = run.loss
    parts = {FOCUSING: loss.gamma_neg, SHIFT: loss.clip, WEIGHTS: loss.pos_weight is not None, TOGETHER: run.lstm}
    caption = (
        f"This run's loss of the CNN, {described(loss)}, beside binary cross-entropy (BCE), by autograd of the "
        f"repository's own loss.{''.join(text for text, said in parts.items() if said)}"
    )
    curves = gradient_curves(loss)
    return Drawn(plot(curves, loss), caption, {"loss_gradients": curves})


def described(loss: AsymmetricLoss) -> str:
    """What it is, whatever the name that it was asked for by."""
    if not (loss.gamma_pos or loss.gamma_neg or loss.clip):
        return "BCE"
    if loss.gamma_pos == loss.gamma_neg and not loss.clip:
        return f"focal loss (γ = {loss.gamma_neg:g})"
    return f"asymmetric loss (γ⁺ = {loss.gamma_pos:g}, γ⁻ = {loss.gamma_neg:g}, m = {loss.clip:g})"


def gradient_curves(loss: AsymmetricLoss) -> pd.DataFrame:
    """Size of dL/dz against p = sigmoid(z): column `p`, then of a negative and of a positive slice.

    negative_<loss>: each scaled to a maximum of 1; the own one, BCE, and where the own has both, its shift and its
    focusing alone (arXiv:2009.14119, section 3 and figure "gradient analysis"). positive_<loss>: not scaled; the own
    one for every class where their weights differ.
    """
    negatives = {BCE: AsymmetricLoss(0, 0, 0)}
    if loss.gamma_neg and loss.clip:
        negatives |= {
            "ce_shift": AsymmetricLoss(0, 0, loss.clip),
            "asymmetric_focusing": AsymmetricLoss(0, loss.gamma_neg, 0),
        }
    curves = {"p": PROBABILITIES}
    for name, each in (negatives | {OWN: loss}).items():
        gradient = gradients(each, 0.0)[:, 0]
        curves[f"negative_{name}"] = gradient / gradient.max()
    curves[f"positive_{BCE}"], own = gradients(negatives[BCE], 1.0)[:, 0], gradients(loss, 1.0)
    classes = {OWN: 0} if loss.pos_weight is None else {f"{OWN}_{label}": at for at, label in enumerate(LABELS)}
    return pd.DataFrame(curves | {f"positive_{name}": own[:, at] for name, at in classes.items()}).round(6)


def gradients(loss: torch.nn.Module, target: float) -> np.ndarray:
    """(probabilities, 5) size of dL/dz, for every class, of slices of this target; in float64."""
    logits = torch.logit(torch.as_tensor(PROBABILITIES)).float()[:, None].repeat(1, len(LABELS)).requires_grad_()
    loss(logits, torch.full_like(logits, target)).backward()
    return logits.grad.double().abs().numpy()


def plot(curves: pd.DataFrame, loss: AsymmetricLoss) -> Figure:
    """The curves of `gradient_curves`."""
    figure = canvas(4.2, TITLE)
    left, right = figure.subplots(1, 2)
    lines = {
        OWN: (VERMILLION, "-", f"this run: {described(loss)}"),
        "ce_shift": (SKY, "-.", f"BCE + shift (m = {loss.clip:g})"),
        "asymmetric_focusing": (BLUE, ":", f"focusing alone (γ⁻ = {loss.gamma_neg:g})"),
        BCE: (BLACK, "--", "BCE"),
    }
    weights = {} if loss.pos_weight is None else dict(zip(LABELS, loss.pos_weight.tolist(), strict=True))
    lines |= {
        f"{OWN}_{label}": (CLASS_COLOURS[label], "-", f"this run, {label}: × {weight:.3g}")
        for label, weight in weights.items()
    }
    for axes, side in ((left, "negative"), (right, "positive")):
        for name, (colour, dash, text) in lines.items():
            if f"{side}_{name}" in curves:
                axes.plot(curves["p"], curves[f"{side}_{name}"], dash, color=colour, linewidth=2, label=text)
        axes.set_title(f"A {side} slice", size=TEXT_PT)
        axes.set(xlim=(0, 1), ylim=(0, 1.3 * axes.dataLim.y1))  # room for the legend
        axes.legend(fontsize=SMALL_PT - 0.5, frameon=False, loc=f"upper {'left' if axes is left else 'right'}")
    label_axes(left, "predicted probability p", "gradient dL/dz, scaled to maximum 1")
    label_axes(right, "predicted probability p", "gradient −dL/dz")
    return figure
