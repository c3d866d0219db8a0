"""data/predictions.parquet: every slice with its labels and both models' probabilities."""

import numpy as np
import pandas as pd

from hohoho.labels import LABELS
from hohoho.slices.label_patterns import smooth
from hohoho.slices.store import scan_bounds

MODEL_NAMES = {"cnn": "CNN", "cnn_lstm": "CNN-LSTM"}  # as in our files: as people write them
MODELS = tuple(MODEL_NAMES)  # in the order they are trained


def prediction_table(slices: pd.DataFrame, split: pd.Series, probabilities: dict[str, np.ndarray]) -> pd.DataFrame:
    """One row per slice: who and where it is, its split, the labels as given, and `<model>_<label>` probabilities."""
    table = slices[["study", "patient", "index", "position_mm", "level", *LABELS]].copy()
    table.insert(2, "split", split)
    for model, values in probabilities.items():
        table[[f"{model}_{label}" for label in LABELS]] = values
    return table


def models_in(table: pd.DataFrame) -> list[str]:
    """The models that the table holds probabilities of, in the order of MODELS."""
    return [model for model in MODELS if f"{model}_{LABELS[0]}" in table]


def probabilities_of(table: pd.DataFrame, model: str) -> np.ndarray:
    """(slices, 5) probabilities by one model."""
    return table[[f"{model}_{label}" for label in LABELS]].to_numpy()


def answers(probabilities: np.ndarray, threshold: float) -> np.ndarray:
    """Which are positive: from `threshold` up. Raises ValueError for a NaN probability."""
    probabilities = np.asarray(probabilities)
    if np.isnan(probabilities).any():
        raise ValueError("a probability is NaN")
    return probabilities >= threshold


def answers_of(table: pd.DataFrame, model: str, threshold: float, smoothing: bool) -> np.ndarray:
    """(slices, 5) bool: positive from `threshold` up; with smoothing, scan by scan 101 → 111, then 010 → 000."""
    positive = answers(probabilities_of(table, model), threshold)
    if not smoothing:
        return positive
    smoothed = positive.copy()
    for rows in scan_bounds(table["study"]):
        smoothed[rows] = smooth(positive[rows])
    return smoothed
