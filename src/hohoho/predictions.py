"""data/predictions.parquet: every slice with its labels and both models' probabilities; and the scores of it."""

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_curve

from hohoho.labels import LABELS
from hohoho.metrics import all_positive_f2, scores
from hohoho.split import SPLITS

MODELS = ("cnn", "cnn_lstm")
RECALL_GRID = np.linspace(0, 1, 101).round(2)


def prediction_table(slices: pd.DataFrame, split: pd.Series, probabilities: dict[str, np.ndarray]) -> pd.DataFrame:
    """One row per slice: who and where it is, its split, the labels as given, and `<model>_<label>` probabilities."""
    table = slices[["study", "patient", "index", "position_mm", "level", *LABELS]].copy()
    table.insert(2, "split", split)
    for model, values in probabilities.items():
        table[[f"{model}_{label}" for label in LABELS]] = values
    return table


def models_in(table: pd.DataFrame) -> list[str]:
    """The models that the table holds probabilities of, in the order they were trained."""
    return [model for model in MODELS if f"{model}_{LABELS[0]}" in table]


def targets_and(table: pd.DataFrame, model: str) -> tuple[np.ndarray, np.ndarray]:
    """(slices, 5) labels and (slices, 5) probabilities of the labelled rows."""
    known = table.dropna(subset=list(LABELS))
    return known[list(LABELS)].to_numpy(), known[[f"{model}_{label}" for label in LABELS]].to_numpy()


def score_table(table: pd.DataFrame, threshold: float) -> dict:
    """What metrics/scores.json holds. A split without labels scores null."""
    found: dict = {"f2": {}}
    parts = {split: table[table["split"] == split] for split in SPLITS}
    for model in models_in(table):
        found[model] = {name: _scored(part, model, threshold) for name, part in parts.items()}
        found["f2"] = {name: part and part["f2"] for name, part in found[model].items()}
    floors = {name: targets_and(part, MODELS[0])[0] for name, part in parts.items()}
    return found | {"all_positive": {name: all_positive_f2(t) if len(t) else None for name, t in floors.items()}}


def _scored(part: pd.DataFrame, model: str, threshold: float) -> dict[str, float] | None:
    targets, probabilities = targets_and(part, model)
    return scores(targets, probabilities, threshold) if len(targets) else None


def precision_recall(table: pd.DataFrame) -> pd.DataFrame:
    """The best micro precision at each recall of a grid: column `recall`, one column per model and split.

    Empty where a model or a split's labels are missing.
    """
    curves = pd.DataFrame({"recall": RECALL_GRID})
    for model in MODELS:
        for split in SPLITS[1:]:
            part = table[table["split"] == split]
            targets, probabilities = targets_and(part, model) if model in models_in(table) else (np.empty(0),) * 2
            curves[f"{model}_{split}"] = _best_precision(targets.ravel(), probabilities.ravel())
    return curves


def _best_precision(targets: np.ndarray, probabilities: np.ndarray) -> np.ndarray | float:
    if not targets.any():
        return np.nan
    precision, recall, _ = precision_recall_curve(targets, probabilities)
    best_beyond = np.maximum.accumulate(precision)  # recall falls along the curve, so: the best at this recall or more
    return best_beyond[np.searchsorted(-recall, -RECALL_GRID, side="right") - 1].round(6)


def f2_per_class(found: dict) -> pd.DataFrame:
    """F2 of each class by the row's own model, one column per split."""
    own = found[[model for model in MODELS if model in found][-1]]
    columns = {f"f2_{split}": [own[split] and own[split][f"f2_{label}"] for label in LABELS] for split in SPLITS}
    return pd.DataFrame({"class": LABELS, **columns})
