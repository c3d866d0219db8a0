"""Pictures of the slices that the model got most wrong."""

import numpy as np
from matplotlib.figure import Figure

from hohoho.figures.style import canvas, note, show_slice, switch_off

TITLE = "Where the model was most surely wrong"
SHOWN, COLUMNS = 12, 6


def draw(pictures: np.ndarray, captions: list[str]) -> Figure:
    """pictures: (n, H, W) uint8, the first SHOWN are drawn; captions: n texts."""
    if not len(pictures):
        return note(TITLE, "None: no labels, or nothing wrong.")
    lines = -(-min(len(pictures), SHOWN) // COLUMNS)
    figure = canvas(0.4 + 1.95 * lines, TITLE)
    panels = figure.subplots(lines, COLUMNS, squeeze=False).ravel()
    switch_off(panels)
    for axes, picture, caption in zip(panels, pictures, captions, strict=False):
        axes.axis("on")
        show_slice(axes, picture, caption)
    return figure
