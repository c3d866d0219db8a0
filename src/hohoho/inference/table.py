"""data/predictions.parquet: every slice with its labels and both models' probabilities; and what `any` bleed means."""

import numpy as np
import pandas as pd

from hohoho.labels import LABELS

MODEL_NAMES = {"cnn": "CNN", "cnn_lstm": "CNN-LSTM"}  # as in our files: as people write them
MODELS = tuple(MODEL_NAMES)  # in the order they are trained
CLASSES = (*LABELS, "any")


def prediction_table(slices: pd.DataFrame, split: pd.Series, probabilities: dict[str, np.ndarray]) -> pd.DataFrame:
    """One row per slice: who and where it is, its split, the labels as given, and `<model>_<label>` probabilities.

    `missing_before`: whether a slice is missing below it.
    """
    table = slices[["study", "patient", "index", "position_mm", "level", "missing_before", *LABELS]].copy()
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


def with_any(values: np.ndarray) -> np.ndarray:
    """(rows, 6) from (rows, 5) labels or decisions of 0 and 1, as in CLASSES: any where one of the five is."""
    return np.column_stack([values, values.max(axis=1, initial=0)])


def any_probability(probabilities: np.ndarray) -> np.ndarray:
    """(rows,) probability of any bleed on a slice, 1 - Π(1 - p) of its (rows, 5) probabilities.

    A class whose probability is unknown (NaN) is left out; NaN where all are.
    """
    known = np.isfinite(probabilities)
    product = np.prod(1 - np.where(known, probabilities, 0), axis=1, dtype=float)
    return np.where(known.any(axis=1), 1 - product, np.nan)


def with_any_probability(probabilities: np.ndarray) -> np.ndarray:
    """(rows, 6) from (rows, 5) probabilities, as in CLASSES: the last is `any_probability`."""
    return np.column_stack([probabilities, any_probability(probabilities)])


def scan_maxima(study: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(scans, columns) the largest value of each column over a scan's slices; scans sorted by name.

    study: (slices,) which scan each slice belongs to; values: (slices, columns).
    """
    return pd.DataFrame(values).groupby(study, sort=True).max().to_numpy()
