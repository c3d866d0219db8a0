"""What the figures look at: a run's tables and arrays side by side, its classifier, its scores."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from hohoho.labels import LABELS
from hohoho.models.backbones import SliceClassifier
from hohoho.saliency.bleed_masks import PhantomDraw
from hohoho.scores.evaluation import Evaluation
from hohoho.slices.split import shown_split
from hohoho.slices.stacks import labelled_rows
from hohoho.slices.store import SlicePixels

SEED = 0  # of samples and of t-SNE: two runs differ by their models, not by what is drawn of them


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
    scores: Evaluation

    @property
    def targets(self) -> np.ndarray:
        """(slices, 5) labels as they came with the data, NaN where unlabelled."""
        return self.slices[LABELS].to_numpy()


def shown_rows(stacks: pd.DataFrame) -> tuple[str, np.ndarray]:
    """The split that is shown, and its labelled rows."""
    rows = labelled_rows(stacks)
    split = shown_split([name for name, found in rows.items() if len(found)])
    return split, rows[split]
