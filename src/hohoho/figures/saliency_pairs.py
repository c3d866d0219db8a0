"""Figure 6: where the slice classifier looks, one match and one mismatch per class, beside the slice."""

from typing import NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from hohoho.figures.style import (
    GREEN,
    SALIENCY_COLOURS,
    SKY,
    SMALL_PT,
    VERMILLION,
    bare,
    canvas,
    note,
    show_slice,
    switch_off,
)
from hohoho.labels import LABELS

TITLE = "Figure 6 · Where the CNN looks: a match (left) and a mismatch (right) of every class"
NAMES = {
    "gradient": "gradient",  # the poster's
    "smoothgrad": "SmoothGrad",
    "integrated_gradients": "integrated gradients",
    "grad_cam": "Grad-CAM",
}
SHADES = 16  # of saliency: a file half the size, no difference to the eye
BRIGHTEST = 99.5  # percentile shown white: one pixel must not darken the rest


class Example(NamedTuple):
    """One slice and class to explain."""

    place: int  # row among the slices that were offered
    label: int  # index into LABELS
    match: bool  # the answer equals the label
    target: float
    probability: float


def pick(targets: np.ndarray, probabilities: np.ndarray, threshold: float) -> list[Example]:
    """Per class the surest bleed found and the surest wrong answer, where there are any.

    targets: (slices, 5), NaN where unlabelled; probabilities: (slices, 5).
    """
    found = []
    for label in range(len(LABELS)):
        y, p = targets[:, label], probabilities[:, label]
        right = (y == 1) & (p >= threshold)
        wrong = np.isfinite(y) & ((y == 1) != (p >= threshold))
        for rows, match in ((right, True), (wrong, False)):
            sure = np.where(rows, p if match else np.abs(p - y), -1)
            if rows.any():
                place = int(sure.argmax())
                found.append(Example(place, label, match, float(y[place]), float(p[place])))
    return found


def draw(examples: list[Example], pictures: np.ndarray, maps: dict[str, np.ndarray], masks: np.ndarray) -> Figure:
    """pictures: (n, H, W) uint8, slice l of each example; maps: method → (n, H, W); masks: (n, H, W) bool, all false
    where the bleed's place is unknown."""
    if not examples:
        return note(TITLE, "No labels, so neither matches nor mismatches.")
    classes = sorted({example.label for example in examples})
    wide = 1 + len(maps)
    figure = canvas(0.5 + 9.0 * (1 / (2 * wide) + 0.015) * len(classes), TITLE)
    panels = figure.subplots(len(classes), 2 * wide, squeeze=False)
    switch_off(panels.ravel())
    for number, example in enumerate(examples):
        line = classes.index(example.label)
        own = panels[line, :wide] if example.match else panels[line, wide:]
        _draw_example(own, example, pictures[number], {name: m[number] for name, m in maps.items()}, masks[number])
        if line == 0 or number == 0:
            for axes, name in zip(own[1:], maps, strict=True):
                axes.set_title(NAMES[name], size=SMALL_PT, pad=3)
    return figure


def _draw_example(panels, example: Example, picture: np.ndarray, maps: dict[str, np.ndarray], mask: np.ndarray) -> None:
    """The slice with its bleed outlined, then one panel a method."""
    for axes in panels:
        axes.axis("on")
    written = f"{LABELS[example.label]}: label {example.target:g}, CNN {example.probability:.2f}"
    show_slice(panels[0], picture)
    panels[0].set_title(written, size=SMALL_PT, color=GREEN if example.match else VERMILLION, pad=3)
    colours = colormaps[SALIENCY_COLOURS].resampled(SHADES)
    for axes, saliency in zip(panels[1:], maps.values(), strict=True):
        brightest = np.percentile(saliency, BRIGHTEST) or saliency.max() or 1
        axes.imshow(saliency, cmap=colours, vmin=0, vmax=brightest, interpolation="nearest")
        bare(axes)
    if mask.any():
        for axes in panels:
            axes.contour(mask, levels=[0.5], colors=SKY, linewidths=1.1)
