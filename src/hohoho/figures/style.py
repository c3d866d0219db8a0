"""How every figure looks: sizes for a README, reproducible bytes."""

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from hohoho.figures.colours import BLACK, GREY
from hohoho.files import atomic

WIDTH_IN, DPI = 9.0, 120  # 1080 px, shown at about 900
SMALL_PT, TEXT_PT, TITLE_PT = 8.5, 9.5, 11.5
LEVEL_COLOURS, SALIENCY_COLOURS = "viridis", "magma"  # both rise in lightness


def canvas(height_in: float, title: str) -> Figure:
    """An empty figure as wide as a README, its title on top."""
    figure = Figure(figsize=(WIDTH_IN, height_in), dpi=DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, size=TITLE_PT, weight="bold", x=0.01, ha="left")
    return figure


def grid(height_in: float, title: str, lines: int, columns: int) -> tuple[Figure, np.ndarray]:
    """A canvas and its (lines, columns) panels, each hidden until something is shown in it."""
    figure = canvas(height_in, title)
    panels = figure.subplots(lines, columns, squeeze=False)
    for axes in panels.flat:
        axes.axis("off")
    return figure, panels


def label_axes(axes, x_label: str, y_label: str) -> None:
    """Name both axes, with units; no box, a faint grid."""
    axes.set_xlabel(x_label, size=TEXT_PT)
    axes.set_ylabel(y_label, size=TEXT_PT)
    axes.tick_params(labelsize=SMALL_PT)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e5e7eb", linewidth=0.7)
    axes.set_axisbelow(True)


def show_slice(axes, picture: np.ndarray, caption: str = "", colour: str = BLACK) -> None:
    """One slice without ticks: (H, W) uint8 in grey, 0 black and 255 white, or (H, W, 3) as colours."""
    axes.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    bare(axes, caption, colour)


def bare(axes, caption: str = "", colour: str = BLACK) -> None:
    """Show a picture without ticks and frame, its caption above."""
    axes.axis("on")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.set_title(caption, size=SMALL_PT, color=colour, pad=3)


def frame(axes, colour: str) -> None:
    """A coloured frame: look here."""
    axes.spines[:].set(visible=True, color=colour, linewidth=2.5)


def note(title: str, text: str) -> Figure:
    """A figure that says why there is nothing to see."""
    figure = canvas(1.2, title)
    figure.text(0.01, 0.35, text, size=TEXT_PT, color=GREY)
    return figure


def save(path: Path, figure: Figure) -> None:
    """Write a PNG; the same figure gives the same bytes."""
    with atomic(path) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})
