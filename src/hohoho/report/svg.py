"""Elements of an SVG picture: escaped, with round numbers, and text that is known to fit."""

import re
import textwrap
from xml.etree import ElementTree as ET

from markupsafe import Markup

FONT, EDGE = 11, 4  # px: of the letters; free on all sides
NAMESPACE = "http://www.w3.org/2000/svg"
NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
NARROW, WIDE = " .,:;()[]|/'!-ijltfr", "MWmw@%+=<>~#"

SHAPES = {
    "circle": "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "square": "M-3.5-3.5h7v7h-7z",
    "diamond": "M0-5l5 5-5 5-5-5z",
    "dot": "M-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0z",
    "tick": "M0-6v12",
    "dashes": "M0-6v3m0 3v3m0 3v1",
}


def picture(width: float, title: str, description: str) -> ET.Element:
    """An empty picture with what a screen reader says first; its height is set by `closed`."""
    family = {"font-family": 'system-ui, "DejaVu Sans", sans-serif', "font-size": str(FONT)}
    svg = ET.Element("svg", {"class": "forest", "width": f"{width}", "role": "group", "fill": "#111827", **family})
    add(svg, "title", title)
    add(svg, "desc", description)
    return svg


def closed(svg: ET.Element, height: float) -> Markup:
    """The picture as text that a page may hold as it is."""
    width, height = float(svg.get("width")) + 2 * EDGE, height + 2 * EDGE
    svg.attrib |= {"width": f"{width:g}", "height": f"{height:g}", "viewBox": f"{-EDGE} {-EDGE} {width:g} {height:g}"}
    return Markup(ET.tostring(svg, encoding="unicode"))


def as_file(svg: Markup) -> str:
    """A picture as a file of its own, on white."""
    return str(svg).replace("<svg ", f'<svg xmlns="{NAMESPACE}" style="background:#fff" ', 1) + "\n"


def add(parent: ET.Element, tag: str, text: str | None = None, **attributes: str | float) -> ET.Element:
    """A new element at the end of `parent`. attributes: font_size for font-size; numbers to a hundredth of a px."""
    names = {name.replace("_", "-"): value for name, value in attributes.items()}
    child = ET.SubElement(parent, tag, {n: v if isinstance(v, str) else f"{round(v, 2):g}" for n, v in names.items()})
    child.text = text and NO_XML.sub("\ufffd", text)
    return child


def marker(parent: ET.Element, shape: str, colour: str, x: float, y: float, hollow: bool = False) -> None:
    """A point of some shape; hollow: only its outline."""
    move = f"translate({round(x, 2):g} {round(y, 2):g})"
    add(parent, "path", d=SHAPES[shape], stroke=colour, fill="#fff" if hollow else colour, transform=move)


def extent(words: str) -> float:
    """How wide a text of FONT px is at most: in DejaVu Sans, the widest of the usual fonts."""

    def em(c: str) -> float:
        if c in NARROW or c == "–":
            return 0.42 if c in NARROW else 0.64
        if not (c.isascii() and c.isprintable()):
            return 1.4  # an emoji, or what stands for a letter that XML has not
        return 1.0 if c in WIDE else 0.8 if c.isupper() or c == "&" else 0.64

    return FONT * sum(map(em, words))


def wrapped(words: str, width: float) -> list[str]:
    """A text in lines that are at most so many px wide."""
    if extent(words) <= width:
        return [words]
    return textwrap.wrap(words, max(1, int(width / max(map(extent, words)))))
