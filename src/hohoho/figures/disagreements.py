"""Figure 7: runs of slices whose label breaks off for a slice or two while the model stays: label errors, maybe."""

from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from hohoho.figures.colours import BLACK, VERMILLION
from hohoho.figures.drawn import Drawn
from hohoho.figures.run import Run
from hohoho.figures.style import frame, grid, note, show_slice
from hohoho.inference.table import MODEL_NAMES, models_in, probabilities_of
from hohoho.labels import LABELS
from hohoho.saliency.bleed_masks import true_labels
from hohoho.slices.label_patterns import isolated_gaps
from hohoho.slices.store import adjacent_runs

TITLE = "Figure 7 · Labels that break off where the model does not (framed): maybe errors"
SHOWN_RUNS, REACH = 4, 2  # runs; slices shown on either side of the gap's first
MAX_GAPS = 100  # whose truth is looked up: a tenth of a second each


class Gap(NamedTuple):
    """An isolated gap in a label ("101", "1001")."""

    rows: tuple[int, ...]  # of the slice table
    run: slice  # of adjacent slices, in which it lies
    label: int  # index into LABELS
    probability: float  # the model's lowest in the gap


def draw(run: Run) -> Drawn:
    """Of the row's own model and all labelled splits."""
    model = models_in(run.predictions)[-1]
    probabilities = probabilities_of(run.predictions, model)
    gaps = label_gaps(adjacent_runs(run.slices), run.targets, probabilities)
    closed = [gap for gap in gaps if gap.probability >= run.threshold]
    return Drawn(
        plot(run, closed[:SHOWN_RUNS], probabilities),
        f"Labels of one scan that break off for a slice or two while the model stays. Of {len(gaps)} such gaps in the "
        f"labels of all splits, the {MODEL_NAMES[model]} answers yes all through {len(closed)}."
        f"{known_truth(run, gaps, len(closed))}",
    )


def label_gaps(runs: list[slice], targets: np.ndarray, probabilities: np.ndarray) -> list[Gap]:
    """Every isolated gap in the labels, the model's surest first.

    runs: of adjacent slices, foot to head; targets, probabilities: (slices, 5).
    """
    gaps = []
    for run in runs:
        inside = isolated_gaps(targets[run])
        for label in np.flatnonzero(inside.any(axis=0)).tolist():
            places = run.start + np.flatnonzero(inside[:, label])
            for rows in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1):
                gaps.append(Gap(tuple(rows.tolist()), run, label, float(probabilities[rows, label].min())))
    return sorted(gaps, key=lambda gap: (-gap.probability, gap.rows, gap.label))


def known_truth(run: Run, gaps: list[Gap], closed: int) -> str:
    """In how many gaps the label is wrong, known of the phantom alone. closed: how many of them the model closes."""
    if run.phantom is None or not closed or len(gaps) > MAX_GAPS:
        return ""
    rows = np.array([row for gap in gaps for row in gap.rows])
    truth = dict(zip(rows.tolist(), true_labels(run.slices.iloc[rows], run.phantom), strict=True))
    wrong = [any(truth[row][gap.label] for row in gap.rows) for gap in gaps]  # the closed ones come first
    return (
        f" The phantom knows the truth: the label is wrong in {sum(wrong[:closed])} of these {closed}, and in "
        f"{sum(wrong[closed:])} of the {len(gaps) - closed} where the model breaks off too."
    )


def rows_around(gap: Gap) -> list[int | None]:
    """The rows around the gap's first slice, None beyond the end of the scan or a missing slice."""
    around = range(gap.rows[0] - REACH, gap.rows[0] + REACH + 1)
    return [row if gap.run.start <= row < gap.run.stop else None for row in around]


def plot(run: Run, gaps: list[Gap], probabilities: np.ndarray) -> Figure:
    """A line of slices per gap, with what label and model say of its class; probabilities: (slices, 5)."""
    if not gaps:
        return note(TITLE, "None: no label breaks off where the model does not.")
    figure, panels = grid(0.45 + 2.05 * len(gaps), TITLE, len(gaps), 2 * REACH + 1)
    for gap, line in zip(gaps, panels, strict=True):
        for row, axes in zip(rows_around(gap), line, strict=True):
            if row is None:
                continue
            target, probability = run.targets[row, gap.label], probabilities[row, gap.label]
            caption = f"{LABELS[gap.label]}: label {target:g}, model {probability:.2f}"
            show_slice(axes, run.pixels.take([row])[0], caption, VERMILLION if row in gap.rows else BLACK)
            if row in gap.rows:
                frame(axes, VERMILLION)
    return figure
