"""Forest plots: under each label a line per series, a point with its 95 % interval, the numbers at the right edge.

A hollow point has no interval; the note beside its label says why. The same table gives the same bytes.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
from markupsafe import Markup

from hohoho.figures.colours import BLACK, BLUE, GREY, VERMILLION
from hohoho.report.svg import add, closed, extent, marker, picture, wrapped
from hohoho.report.tables import text

WIDTH, LINE, GAP, SIDE = 360, 14, 7, 14  # px: of a phone; from line to line; between entries; beside the axis
STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)  # from tick to tick
MOST_STEPS = 5
BOLD = 1.3  # how much wider the title's letters are
ROOM = "0.000 (0.000–0.000)"  # is always kept, so that plots side by side have axes of the same length
FAINT = "#e5e7eb"
LOOKS = [(BLUE, "circle"), (VERMILLION, "square")]  # of the first and the second series
COLUMNS = ["label", "series", "value", "low", "high", "note", "mark", "dots"]
DESCRIPTION = "Points with 95 % intervals, hollow where there is none; every line says its numbers at the right."


class Options(NamedTuple):
    """What a plot shows beside its lines."""

    names: Mapping[str, str] = {}  # what "mark", "dots" and "reference" are, where they are shown
    references: Mapping[str, float | None] = {}  # where each series has its dashed line
    axis: Sequence[float] = ()  # the ticks, where several plots share them
    notes: Sequence[str] = ()  # below it
    width: int = WIDTH


def forest(title: str, lines: pd.DataFrame, options: Options | None = None) -> Markup:
    """An SVG element of the lines. At most two series; a number that is missing is not drawn.

    lines: COLUMNS, of which `mark` (a number to compare with) and `dots` (a list of numbers, shown with their mean) may
    be missing; the lines of a label stand together.
    """
    names, references, axis, notes, width = options or Options()
    lines, axis = lines.reindex(columns=COLUMNS), axis or ticks(lines)
    looks = dict(zip(lines["series"].unique(), LOOKS, strict=False))
    svg, y = picture(width, title, DESCRIPTION), -1.0
    for words in wrapped(title, width / BOLD):
        y += LINE
        add(svg, "text", words, x=0, y=y, font_size=13, font_weight="bold")
    top = y = legend(svg, legend_items(lines, looks, names), y + LINE + 3, width)
    behind, right = add(svg, "g"), width - max(map(extent, [ROOM, *map(numbers, lines.itertuples())]))

    def place(value: float) -> float:
        return SIDE + (value - axis[0]) / (axis[-1] - axis[0]) * (right - 2 * SIDE - 8)

    for label, entry in lines.groupby("label", sort=False):
        y = heading_lines(svg, label, " / ".join(dict.fromkeys(entry["note"].dropna())), y, width)
        for line in entry.itertuples():
            y += LINE
            draw_line(svg, line, *looks[line.series], place, y, width)
        y += GAP
    draw_axis(behind, axis, place, top, y)
    for series, value in references.items():
        if series in looks and not pd.isna(value):
            ends = {"x1": place(value), "x2": place(value), "y1": top, "y2": y}
            add(behind, "line", stroke=looks[series][0], stroke_dasharray="3 3", **ends)
    y += LINE + GAP
    for words in (part for note in notes for part in wrapped(note, width)):
        y += LINE
        add(svg, "text", words, x=0, y=y, fill=GREY)
    return closed(svg, y + GAP)


def ticks(lines: pd.DataFrame) -> list[float]:
    """Round numbers around all that is drawn; 0 to 1 where nothing is."""
    drawn = [lines.get(name, pd.Series(dtype=float)) for name in ("value", "low", "high", "mark")]
    drawn += [pd.Series(dots) for dots in lines.get("dots", pd.Series(dtype=object)).dropna()]
    values = pd.to_numeric(pd.concat(drawn)).dropna()
    low, high = (values.min(), values.max()) if len(values) else (0.0, 1.0)
    step = next((step for step in STEPS if high - low <= (MOST_STEPS - 1) * step), STEPS[-1])
    first = int(np.floor(low / step + 1e-6))
    last = max(int(np.ceil(high / step - 1e-6)), first + 1)
    return [round(tick * step, 2) for tick in range(first, last + 1)]


def numbers(line) -> str:
    """The value of a line and its interval, as the tables write them."""
    return text({"value": line.value, "low": line.low, "high": line.high})


def heading_lines(svg: ET.Element, label: str, note: str, y: float, width: int) -> float:
    """The label at the left, the note at the right or, where there is no room, below; returns where they end."""
    halo = {"stroke": "#fff", "stroke_width": 3, "paint_order": "stroke"}
    beside = extent(label) + extent(note) + 8 <= width
    for words in wrapped(label, width):
        y += LINE
        add(svg, "text", words, x=0, y=y, **halo)
    for row, words in enumerate(wrapped(note, width) if note else []):
        y += 0 if beside and row == 0 else LINE
        add(svg, "text", words, x=width, y=y, text_anchor="end", fill=GREY, **halo)
    return y


def draw_line(svg: ET.Element, line, colour: str, shape: str, place, y: float, width: int) -> None:
    """One line: interval, point, mark, dots, and the numbers."""
    group = add(svg, "g", role="img")
    note = "" if pd.isna(line.note) else f"; {line.note}"
    add(group, "title", f"{line.label}, {line.series}: {numbers(line)}{note}")
    middle, has_interval = y - 4, not (pd.isna(line.low) or pd.isna(line.high))
    if has_interval:
        ends = {"x1": place(line.low), "x2": place(line.high), "y1": middle, "y2": middle}
        add(group, "line", stroke=colour, stroke_width=2, **ends)
    if isinstance(line.dots, list | tuple) and len(line.dots):
        for dot in line.dots:
            marker(group, "dot", GREY, place(dot), middle + 5)
        marker(group, "tick", GREY, place(float(np.mean(line.dots))), middle)
    if not pd.isna(line.mark):
        marker(group, "diamond", BLACK, place(line.mark), middle)
    if not pd.isna(line.value):
        marker(group, shape, colour, place(line.value), middle, hollow=not has_interval)
    add(group, "text", numbers(line), x=width, y=y, text_anchor="end")


def draw_axis(behind: ET.Element, axis: Sequence[float], place, top: float, bottom: float) -> None:
    """Faint lines behind everything and their numbers below."""
    for tick in axis:
        add(behind, "line", stroke=FAINT, x1=place(tick), x2=place(tick), y1=top, y2=bottom)
        add(behind, "text", f"{tick:g}", x=place(tick), y=bottom + LINE, text_anchor="middle", fill=GREY)


def legend_items(lines: pd.DataFrame, looks: dict, names: Mapping) -> list[tuple[str, str, str, bool]]:
    """Words, shape, colour and whether it is hollow, of all that is drawn."""
    items = [(series, shape, colour, False) for series, (colour, shape) in looks.items()]
    if lines["mark"].notna().any():
        items.append((names["mark"], "diamond", BLACK, False))
    if lines["dots"].notna().any():
        items += [(names["dots"], "dot", GREY, False), ("their mean", "tick", GREY, False)]
    if (lines["value"].notna() & lines["low"].isna()).any():
        items.append(("no interval", "circle", GREY, True))
    if "reference" in names:
        items.append((names["reference"], "dashes", GREY, False))
    return items


def legend(svg: ET.Element, items: list[tuple[str, str, str, bool]], y: float, width: int) -> float:
    """What the signs mean, in as many lines as it takes; returns where it ends."""
    x = 0.0
    for words, shape, colour, hollow in items:
        if x and x + 14 + extent(words) > width:
            x, y = 0.0, y + LINE
        marker(svg, shape, colour, x + 5, y - 4, hollow)
        add(svg, "text", words, x=x + 14, y=y)
        x += 14 + extent(words) + 8
    return y + GAP
