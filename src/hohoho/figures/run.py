"""What the figures look at: a run's tables and arrays side by side, its classifier, and where its bleeds are."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from hohoho.models.backbones import SliceClassifier
from hohoho.saliency.bleed_masks import PhantomDraw, bleed_masks
from hohoho.saliency.methods import saliency_maps
from hohoho.slices.split import shown_split
from hohoho.slices.stacks import channel_rows, labelled_rows
from hohoho.slices.store import SlicePixels


class Run(NamedTuple):
    """What a run has left behind, row i of every table and array the same slice."""

    pixels: SlicePixels
    slices: pd.DataFrame  # the slice table
    stacks: pd.DataFrame
    predictions: pd.DataFrame
    embeddings: np.ndarray
    classifier: SliceClassifier
    device: str
    threshold: float
    loss: tuple[float, float]  # gamma_neg, clip
    phantom: PhantomDraw | None  # None: the places of the bleeds are unknown


def phantom_of(source: str, slices: pd.DataFrame, phantom) -> PhantomDraw | None:
    """Which phantom the slices show; None for other data, and where secret pseudonyms hide which image is which."""
    if source != "phantom" or slices["image"].isna().any():
        return None
    return PhantomDraw(phantom.patients, phantom.size_px, phantom.seed)


def shown_rows(stacks: pd.DataFrame) -> tuple[str, np.ndarray]:
    """The split that is shown, and its labelled rows."""
    rows = labelled_rows(stacks)
    split = shown_split([name for name, found in rows.items() if len(found)])
    return split, rows[split]


def explain(run: Run, method: str, rows: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """(n, H, W) saliency of these slices for these classes."""
    channels = channel_rows(run.stacks, run.classifier.settings["channels"])[rows]
    stacks = run.pixels.take(channels).reshape(*channels.shape, run.pixels.image_size, run.pixels.image_size)
    return saliency_maps(method, run.classifier, stacks, classes, run.device)


def masks_of(run: Run, rows: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """(n, H, W) bool, where the class's blood lies in each slice; all false where that is unknown."""
    size = run.pixels.image_size
    if run.phantom is None or not len(rows):
        return np.zeros((len(rows), size, size), bool)
    return bleed_masks(run.slices.iloc[rows], run.phantom, size)[np.arange(len(rows)), classes]
