"""Pictures of the slices that the model got most wrong."""

import numpy as np
from matplotlib.figure import Figure

from hohoho.figures.drawn import Drawn
from hohoho.figures.run import Run
from hohoho.figures.style import grid, note, show_slice

TITLE = "Where the model was most surely wrong"
CAPTION = "The surest misses, then the surest false alarms: the class with the model's raw output, and the labels."
SHOWN, COLUMNS = 12, 6


def draw(run: Run) -> Drawn:
    """Half of the places are for missed bleeds."""
    shown = run.scores.worst.groupby("error", sort=False).head(SHOWN // 2)
    texts = [
        f"{row['error']}: {row['class']} {row['probability']:.2f}\nlabel: {row['truth']}" for _, row in shown.iterrows()
    ]
    return Drawn(plot(run.pixels.take(shown["row"].to_numpy(int)), texts), CAPTION)


def plot(pictures: np.ndarray, captions: list[str]) -> Figure:
    """pictures: (n, H, W) uint8, n <= SHOWN; captions: n texts."""
    if not len(pictures):
        return note(TITLE, "None: no labels, or nothing wrong.")
    lines = -(-len(pictures) // COLUMNS)
    figure, panels = grid(0.4 + 1.95 * lines, TITLE, lines, COLUMNS)
    for axes, picture, caption in zip(panels.flat, pictures, captions, strict=False):
        show_slice(axes, picture, caption)
    return figure
