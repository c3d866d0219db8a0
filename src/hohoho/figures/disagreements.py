"""Figure 7: runs of slices whose label breaks off for a slice or two while the model stays: label errors, maybe."""

from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from hohoho.figures.style import BLACK, VERMILLION, canvas, frame, note, show_slice, switch_off
from hohoho.labels import LABELS
from hohoho.slices.label_patterns import isolated_gaps
from hohoho.slices.store import scan_bounds

TITLE = "Figure 7 · Labels that break off where the model does not (framed): maybe errors"
SHOWN_RUNS, REACH = 4, 2  # runs; slices shown on either side of the gap's first


class Gap(NamedTuple):
    """An isolated gap in a label ("101", "1001") that the model's answers close."""

    rows: tuple[int, ...]  # of the slice table
    label: int  # index into LABELS
    probability: float  # the model's lowest in the gap


class Shown(NamedTuple):
    """One slice of a run, with what label and model say of the gap's class."""

    picture: np.ndarray  # (H, W) uint8
    target: float
    probability: float


def label_gaps(study: np.ndarray, targets: np.ndarray, probabilities: np.ndarray) -> list[Gap]:
    """Every isolated gap in the labels, the model's surest first.

    study: (slices,), studies contiguous and foot to head; targets, probabilities: (slices, 5).
    """
    found = []
    for rows in scan_bounds(study):
        inside = isolated_gaps(targets[rows])
        for label in range(len(LABELS)):
            places = np.flatnonzero(inside[:, label])
            for run in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1):
                if len(run):
                    gap = rows.start + run
                    found.append(Gap(tuple(gap.tolist()), label, float(probabilities[gap, label].min())))
    return sorted(found, key=lambda gap: (-gap.probability, gap.rows, gap.label))


def closed_gaps(gaps: list[Gap], threshold: float) -> list[Gap]:
    """The gaps that the model answers with yes all through."""
    return [gap for gap in gaps if gap.probability >= threshold]


def shown_rows(gap: Gap, study: np.ndarray) -> list[int | None]:
    """The rows around the gap's first slice, None beyond the end of the scan."""
    around = range(gap.rows[0] - REACH, gap.rows[0] + REACH + 1)
    return [row if 0 <= row < len(study) and study[row] == study[gap.rows[0]] else None for row in around]


def draw(gaps: list[Gap], lines: list[list[Shown | None]]) -> Figure:
    """gaps: at most SHOWN_RUNS, closed by the model. lines: per gap what `shown_rows` names, None where that does."""
    if not gaps:
        return note(TITLE, "None: no label breaks off where the model does not.")
    figure = canvas(0.45 + 2.05 * len(gaps), TITLE)
    panels = figure.subplots(len(gaps), 2 * REACH + 1, squeeze=False)
    switch_off(panels.ravel())
    for gap, line, places in zip(gaps, lines, panels, strict=True):
        for step, (shown, axes) in enumerate(zip(line, places, strict=True)):
            if shown is not None:
                _draw_slice(axes, shown, gap.label, in_gap=REACH <= step < REACH + len(gap.rows))
    return figure


def _draw_slice(axes, shown: Shown, label: int, in_gap: bool) -> None:
    axes.axis("on")
    caption = f"{LABELS[label]}: label {shown.target:g}, model {shown.probability:.2f}"
    show_slice(axes, shown.picture, caption, VERMILLION if in_gap else BLACK)
    if in_gap:
        frame(axes, VERMILLION)
