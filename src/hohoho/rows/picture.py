"""A printed table as a picture, readable at the width of a README."""

import textwrap
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from hohoho.files import atomic
from hohoho.rows.table import Table

WIDTH_IN, LINE_IN, DPI = 10.0, 0.28, 120  # 1200 px wide
HEAD_SHARE, MARGIN = 0.24, 0.015  # of the width
SIZE_PT = 11
SHADES = {"setting": "white", "published": "#eef1f5", "measured": "#dcebdd"}


def write_picture(path: Path, table: Table) -> None:
    """Draw the table as PNG; the same table gives the same bytes."""
    notes = [line for note in table.notes for line in textwrap.wrap(note, 125)]
    count = len(table.lines) + len(notes) + 2
    figure = Figure(figsize=(WIDTH_IN, count * LINE_IN), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 1), ylim=(count, 0))
    axes.axis("off")
    axes.text(MARGIN, 0.75, table.title, size=SIZE_PT + 1, weight="bold", va="center")
    for number, line in enumerate(table.lines):
        _draw_line(axes, number + 1.5, line)
    for number, note in enumerate(notes):
        axes.text(MARGIN, len(table.lines) + number + 2.1, note, size=SIZE_PT - 2, color="#444444", va="center")
    with atomic(path) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})


def _draw_line(axes, top: float, line) -> None:
    """One line of the table, its upper edge at `top`."""
    width = (1 - 2 * MARGIN - HEAD_SHARE) / len(line.cells)
    axes.axhspan(top, top + 1, MARGIN, 1 - MARGIN, color=SHADES[line.kind], linewidth=0)
    axes.plot([MARGIN, 1 - MARGIN], [top, top], color="#b0b6bd", linewidth=0.6)
    axes.text(MARGIN + 0.005, top + 0.5, line.head, size=SIZE_PT - 1, va="center")
    weight = "bold" if line.kind == "measured" else "normal"
    for column, cell in enumerate(line.cells):
        x = MARGIN + HEAD_SHARE + (column + 0.5) * width
        axes.text(x, top + 0.5, cell, size=_fitting(cell, width), weight=weight, ha="center", va="center")


def _fitting(text: str, width: float) -> float:
    """The size at which a text fits its column; a letter is about 0.55 of its size wide."""
    room_pt = width * WIDTH_IN * 72 * 0.95
    return min(SIZE_PT - 1, room_pt / (0.55 * max(len(text), 1)))
