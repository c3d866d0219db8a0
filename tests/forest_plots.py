"""What a forest plot shows, read back from its SVG."""

from typing import NamedTuple
from xml.etree import ElementTree as ET

import numpy as np

from hohoho.report.svg import SHAPES, extent

KINDS = {path: name for name, path in SHAPES.items()}


class Box(NamedTuple):
    """Where a text or a sign lies, in px."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "Box") -> bool:
        """Whether the two share a point."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


class Line(NamedTuple):
    """One line: its hint, its number, and value by kind of what is drawn; hollow: the point's inside is empty."""

    hint: str
    number: str
    points: dict[str, list[float]]
    interval: tuple[float, float] | None
    hollow: bool


class Plot:
    """A plot as a reader sees it: positions are turned back into values by the ticks of its axis."""

    def __init__(self, svg: str):
        self.root = ET.fromstring(str(svg).replace('xmlns="http://www.w3.org/2000/svg"', ""))
        behind = self.root.find("g")
        self.ticks = [(float(tick.text), float(tick.get("x"))) for tick in behind.findall("text")]
        self.references = [self.value(line.get("x1")) for line in behind.findall("line[@stroke-dasharray]")]
        self.lines = [self.line(group) for group in self.root.findall("g[@role='img']")]
        self.words = [text.text for text in self.root.findall("text")]

    def value(self, x) -> float:
        values, places = np.array(self.ticks).T
        slope = (values[-1] - values[0]) / (places[-1] - places[0])
        return float(values[0] + (float(x) - places[0]) * slope)

    def line(self, group) -> Line:
        points, hollow = {}, False
        for path in group.findall("path"):
            x = path.get("transform").removeprefix("translate(").split()[0]
            points.setdefault(KINDS[path.get("d")], []).append(self.value(x))
            hollow |= path.get("fill") == "#fff"
        bar = group.find("line")
        ends = None if bar is None else (self.value(bar.get("x1")), self.value(bar.get("x2")))
        return Line(group.find("title").text, group.find("text").text, points, ends, hollow)

    def texts(self) -> list[Box]:
        """Of every text below the title."""
        boxes = []
        for text in self.root.iter("text"):
            size, x, y = float(text.get("font-size", 11)), float(text.get("x")), float(text.get("y"))
            width = extent(text.text or "") * size / 11
            left = x - width * {"start": 0, "middle": 0.5, "end": 1}[text.get("text-anchor", "start")]
            boxes.append(Box(left, y - 0.75 * size, left + width, y + 0.22 * size))
        return boxes

    def signs(self) -> list[Box]:
        """Of every point and interval of the lines."""
        boxes = []
        for group in self.root.findall("g[@role='img']"):
            for path in group.findall("path"):
                x, y = map(float, path.get("transform").removeprefix("translate(").rstrip(")").split())
                half = 2 if KINDS[path.get("d")] == "dot" else 4
                boxes.append(Box(x - half, y - half, x + half, y + half))
            for bar in group.findall("line"):
                x1, x2, y = (float(bar.get(name)) for name in ("x1", "x2", "y1"))
                boxes.append(Box(x1, y - 1, x2, y + 1))
        return boxes
