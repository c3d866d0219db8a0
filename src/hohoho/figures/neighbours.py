"""Figure 1: a slice between its neighbours, and the three-channel image that the network sees."""

import numpy as np
from matplotlib.figure import Figure

from hohoho.figures.drawn import Drawn
from hohoho.figures.run import Run, shown_rows
from hohoho.figures.style import canvas, show_slice
from hohoho.slices.stacks import channel_rows

CAPTION = "A slice enters between its neighbours, as the three channels of one picture; colour shows where they differ."


def draw(run: Run) -> Drawn:
    """A labelled slice of the shown split, where there is one."""
    rows = channel_rows(run.stacks, 3)
    _, labelled = shown_rows(run.stacks)
    offered = labelled if len(labelled) else np.arange(len(rows))
    row = offered[pick(run.targets[offered], rows[offered])]
    return Drawn(plot(run.pixels.take(rows[row])), CAPTION)


def pick(targets: np.ndarray, rows: np.ndarray) -> int:
    """The slice to show: most bleed types at once, both neighbours there; the first of equals, else the middle one.

    targets: (slices, 5), NaN where unlabelled; rows: (slices, 3) store rows of l-1, l, l+1.
    """
    whole = (rows[:, 0] != rows[:, 1]) & (rows[:, 2] != rows[:, 1])
    bleeds = np.where(whole, np.nan_to_num(targets).sum(axis=1), -1)
    return int(bleeds.argmax()) if bleeds.max() > 0 else len(targets) // 2


def plot(stack: np.ndarray) -> Figure:
    """stack: (3, H, W) uint8, the slices l-1, l, l+1. The composite takes them as red, green and blue."""
    figure = canvas(2.75, "Figure 1 · One slice, its neighbours, and the stack: grey where the three agree")
    captions = ("l−1  (towards the foot) → red", "l → green", "l+1  (towards the vertex) → blue", "stack (l−1, l, l+1)")
    pictures = (*stack, np.moveaxis(stack, 0, -1))
    for axes, picture, caption in zip(figure.subplots(1, 4), pictures, captions, strict=True):
        show_slice(axes, picture, caption)
    return figure
