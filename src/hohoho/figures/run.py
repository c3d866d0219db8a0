"""What the figures look at: a run's tables and arrays side by side, its classifier, its scores."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from hohoho.inference.store import read_array
from hohoho.inference.table import MODELS
from hohoho.labels import LABELS
from hohoho.models.backbones import SliceClassifier, load_classifier
from hohoho.models.losses import AsymmetricLoss
from hohoho.models.lstm import ScanLstm, load_lstm
from hohoho.saliency.bleed_masks import PhantomDraw
from hohoho.scores.bootstrap import Resampling
from hohoho.scores.details import Settings
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
    embeddings: np.ndarray  # (slices, features) by `classifier`
    classifier: SliceClassifier  # the row's own CNN: where it was trained with the LSTM, not the one it started from
    lstm: ScanLstm | None  # that the CNN was trained with; None where it was trained alone
    device: str
    threshold: float
    loss: AsymmetricLoss  # that the CNN was trained with, when alone
    phantom: PhantomDraw | None  # None: the places of the bleeds are unknown
    scores: Evaluation

    @property
    def targets(self) -> np.ndarray:
        """(slices, 5) labels as they came with the data, NaN where unlabelled."""
        return self.slices[LABELS].to_numpy()

    @property
    def slice_model(self) -> str:
        """Whose answers for a slice the CNN stands for: its own, or where it was trained with the LSTM, the LSTM's."""
        return MODELS[0] if self.lstm is None else MODELS[1]

    def resampling(self, split: str) -> Resampling:
        """That of the scores' intervals."""
        settings = self.scores.details["settings"]
        return Settings(*(settings[name] for name in Settings._fields)).resampling(split)


def own_cnn(cnn: Path, lstm: Path, embeddings: Path, together: Path) -> dict:
    """`classifier`, `lstm` and `embeddings` of a Run: of the CNN that was trained with the LSTM, where one was.

    cnn, lstm: folders of models. embeddings, together: by the first-stage CNN and by that in lstm/cnn, empty where the
    LSTM was trained on the first.
    """
    of_both = read_array(together)
    if not len(of_both):
        return {"classifier": load_classifier(cnn), "lstm": None, "embeddings": read_array(embeddings)}
    return {"classifier": load_classifier(lstm / "cnn"), "lstm": load_lstm(lstm), "embeddings": of_both}


def shown_rows(stacks: pd.DataFrame) -> tuple[str, np.ndarray]:
    """The split that is shown, and its labelled rows."""
    rows = labelled_rows(stacks)
    split = shown_split([name for name, found in rows.items() if len(found)])
    return split, rows[split]
