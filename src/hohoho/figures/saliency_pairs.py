"""Figure 6: where the row's own model of slices looks, one match and one mismatch per class, beside the slice."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.figure import Figure

from hohoho.figures import style
from hohoho.figures.colours import GREEN, SKY, VERMILLION
from hohoho.figures.drawn import Drawn
from hohoho.figures.run import SEED, Run, shown_rows
from hohoho.inference.table import MODEL_NAMES, probabilities_of
from hohoho.labels import LABELS
from hohoho.saliency.benchmark import sample_lesions
from hohoho.saliency.bleed_masks import bleed_masks
from hohoho.saliency.methods import METHODS, saliency_maps
from hohoho.saliency.scores import COLUMNS, METHOD_NAMES, POSTER_METHOD, best_method, saliency_scores
from hohoho.saliency.slice_in_scan import SliceInScan
from hohoho.slices.stacks import channel_rows

TITLE = "Figure 6 · Where the {} looks: a match (left) and a mismatch (right) of every class"
SECOND_METHOD = "integrated_gradients"  # where no bleed's place is known
END_TO_END = (
    " CNN and LSTM were trained together: explained is the LSTM's answer, the other slices of the scan as they are."
)
OUTLINED = " Blue: outline of the drawn bleed; around a bleed labelled 0 it shows a wrong label."
SHADES = 16  # of saliency: a file half the size, no difference to the eye
BRIGHTEST = 99.5  # percentile shown white: one pixel must not darken the rest


class Example(NamedTuple):
    """One slice and class to explain."""

    row: int
    label: int  # index into LABELS
    match: bool  # the answer equals the label
    target: float
    probability: float


def draw(run: Run) -> Drawn:
    """By the poster's method and by the best one of the benchmark, which needs bleeds whose place is known."""
    split, rows = shown_rows(run.stacks)
    scores = score_methods(run, split, rows)
    methods = list(dict.fromkeys([POSTER_METHOD, best_method(scores) or SECOND_METHOD]))
    examples = pick(rows, run.targets[rows], probabilities_of(run.predictions, run.slice_model)[rows], run.threshold)
    chosen = np.array([example.row for example in examples], int)
    classes = np.array([example.label for example in examples], int)
    maps = {name: explain(run, name, chosen, classes) for name in methods}
    name = MODEL_NAMES[run.slice_model]
    caption = (
        f"The {name} on the {split} split: per class the surest bleed found and surest wrong answer, with the saliency "
        f"by {' and '.join(METHOD_NAMES[method] for method in methods)}.{OUTLINED if run.phantom else ''}"
        f"{'' if run.lstm is None else END_TO_END}"
    )
    masks = np.zeros((len(examples), run.pixels.image_size, run.pixels.image_size), bool)
    if run.phantom and examples:
        masks = bleed_masks(run.slices.iloc[chosen], run.phantom, run.pixels.image_size)[range(len(chosen)), classes]
    return Drawn(plot(examples, run.pixels.take(chosen), maps, masks, name), caption, {"saliency": scores})


def score_methods(run: Run, split: str, rows: np.ndarray) -> pd.DataFrame:
    """The table of `saliency_scores` on a sample of the known bleeds among `rows`; empty where none is known.

    rows: (n,) of the slice table, of `split`.
    """
    if run.phantom is None:
        return pd.DataFrame(columns=COLUMNS)
    lesions = sample_lesions(run.slices, rows, run.phantom, run.pixels.image_size, SEED)
    maps = {name: explain(run, name, lesions.rows, lesions.classes) for name in METHODS}
    probabilities = probabilities_of(run.predictions, run.slice_model)[lesions.rows, lesions.classes]
    return saliency_scores(maps, lesions, probabilities >= run.threshold, run.resampling(split))


def explain(run: Run, method: str, rows: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """(n, H, W) saliency of these slices for these classes."""
    channels = channel_rows(run.stacks, run.classifier.settings["channels"])[rows]
    stacks = run.pixels.take(channels).reshape(*channels.shape, run.pixels.image_size, run.pixels.image_size)
    model = run.classifier
    if run.lstm:
        model = SliceInScan(model, run.lstm, run.embeddings, run.slices["study"].tolist())
    return saliency_maps(method, model, stacks, classes, run.device, rows)


def pick(rows: np.ndarray, targets: np.ndarray, probabilities: np.ndarray, threshold: float) -> list[Example]:
    """Per class the surest bleed found and the surest wrong answer, where there are any.

    rows: (n,) of the slices to choose from; targets: (n, 5), NaN where unlabelled; probabilities: (n, 5).
    """
    examples = []
    for label in range(len(LABELS)):
        y, p = targets[:, label], probabilities[:, label]
        right = (y == 1) & (p >= threshold)
        wrong = np.isfinite(y) & ((y == 1) != (p >= threshold))
        for offered, match in ((right, True), (wrong, False)):
            if offered.any():
                place = np.where(offered, p if match else np.abs(p - y), -1).argmax()
                examples.append(Example(int(rows[place]), label, match, float(y[place]), float(p[place])))
    return examples


def plot(
    examples: list[Example], pictures: np.ndarray, maps: dict[str, np.ndarray], masks: np.ndarray, model: str
) -> Figure:
    """pictures: (n, H, W) uint8, slice l of each example; maps: method → (n, H, W); masks: (n, H, W) bool, all false
    where the bleed's place is unknown. model: its name."""
    title = TITLE.format(model)
    if not examples:
        return style.note(title, "No labels, so neither matches nor mismatches.")
    classes = sorted({example.label for example in examples})
    wide = 1 + len(maps)
    height_in = 0.5 + style.WIDTH_IN * (1 / (2 * wide) + 0.015) * len(classes)
    figure, panels = style.grid(height_in, title, len(classes), 2 * wide)
    for number, example in enumerate(examples):
        line = classes.index(example.label)
        own = panels[line, :wide] if example.match else panels[line, wide:]
        plot_example(own, example, pictures[number], [m[number] for m in maps.values()], masks[number])
        if line == 0 or number == 0:
            for axes, name in zip(own[1:], maps, strict=True):
                axes.set_title(METHOD_NAMES[name], size=style.SMALL_PT, pad=3)
    return figure


def plot_example(panels, example: Example, picture: np.ndarray, maps: list[np.ndarray], mask: np.ndarray) -> None:
    """The slice with its bleed outlined, then one panel a method."""
    text = f"{LABELS[example.label]}: label {example.target:g}, model {example.probability:.2f}"
    style.show_slice(panels[0], picture, text, GREEN if example.match else VERMILLION)
    colours = colormaps[style.SALIENCY_COLOURS].resampled(SHADES)
    for axes, saliency in zip(panels[1:], maps, strict=True):
        brightest = np.percentile(saliency, BRIGHTEST) or saliency.max() or 1
        axes.imshow(saliency, cmap=colours, vmin=0, vmax=brightest, interpolation="nearest")
        style.bare(axes)
    for axes in panels if mask.any() else ():
        axes.contour(mask, levels=[0.5], colors=SKY, linewidths=1.1)
