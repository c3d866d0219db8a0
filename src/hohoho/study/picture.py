"""One picture per claim: every seed's pair of scores, and the mean difference."""

from math import ceil
from pathlib import Path

import numpy as np

from hohoho.figures.colours import BLUE, GREY, VERMILLION
from hohoho.figures.style import SMALL_PT, TEXT_PT, canvas, save
from hohoho.study.contrasts import Difference
from hohoho.study.plan import PART_NAMES, Contrast

TITLE = "The poster's claims on the phantom: each line is one seed"
COLUMNS, PANEL_IN = 3, 2.9
LEAST = 0.1


def draw(path: Path, panels: list[tuple[str, Contrast, Difference, str]]) -> None:
    """panels: a claim, the contrast that decides it, what was found, and in which measure."""
    figure = canvas(PANEL_IN * ceil(len(panels) / COLUMNS), TITLE)
    axes = figure.subplots(ceil(len(panels) / COLUMNS), COLUMNS, squeeze=False)
    for panel in axes.flat[len(panels) :]:
        panel.axis("off")
    for panel, (claim, contrast, found, measure) in zip(axes.flat, panels, strict=False):
        paired_dots(panel, contrast, found, measure)
        panel.set_title(wrapped(claim), size=TEXT_PT, loc="left")
    save(path, figure)


def paired_dots(panel, contrast: Contrast, found: Difference, measure: str) -> None:
    """Left the minus side, right the plus side, a line per seed; below, the mean difference with its interval."""
    for low, high in zip(found.minus, found.plus, strict=True):
        panel.plot(
            [0, 1], [low, high], color=BLUE if high > low else VERMILLION, linewidth=1.2, marker="o", markersize=4
        )
    names = [f"{side.arm.replace('_', ' ')}\n{PART_NAMES[side.part]}" for side in (contrast.minus, contrast.plus)]
    panel.set_xticks([0, 1], names)
    panel.set_xlim(-0.35, 1.35)
    if found.seeds:  # no axis shorter than LEAST: it would make much of nothing
        ends = np.array([*found.plus, *found.minus])
        middle, half = (ends.min() + ends.max()) / 2, max(float(np.ptp(ends)) * 1.1, LEAST) / 2
        panel.set_ylim(middle - half, middle + half)
    panel.set_ylabel(measure, size=SMALL_PT)
    panel.tick_params(labelsize=SMALL_PT)
    panel.spines[["top", "right"]].set_visible(False)
    ends = found.interval
    known = f" ({ends[0]:+.3f} to {ends[1]:+.3f})" if np.isfinite(ends).all() else ""
    text = f"{found.mean:+.3f}{known}" if found.seeds else "not run yet"
    panel.set_xlabel(text.replace("-", "−"), size=SMALL_PT, color=GREY)


def wrapped(text: str, width: int = 32) -> str:
    """In lines that fit above a panel."""
    lines = [""]
    for word in text.split():
        lines = [*lines, word] if len(lines[-1]) + len(word) > width else [*lines[:-1], f"{lines[-1]} {word}".strip()]
    return "\n".join(lines)
