"""data/predictions.parquet: every slice with its labels and both models' probabilities; and the scores of it."""

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_curve

from hohoho.label_patterns import smooth
from hohoho.labels import LABELS
from hohoho.metrics import all_positive_f2, answers, scores
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


def probabilities_of(table: pd.DataFrame, model: str) -> np.ndarray:
    """(slices, 5) probabilities by one model."""
    return table[[f"{model}_{label}" for label in LABELS]].to_numpy()


def answers_of(table: pd.DataFrame, model: str, threshold: float, smoothing: bool) -> np.ndarray:
    """(slices, 5) bool: positive from `threshold` up; with smoothing, scan by scan 101 → 111, then 010 → 000."""
    positive = answers(probabilities_of(table, model), threshold)
    if not smoothing:
        return positive
    scans = table.groupby("study", sort=False).indices.values()
    smoothed = positive.copy()
    for rows in scans:
        smoothed[rows] = smooth(positive[rows])
    return smoothed


def score_table(table: pd.DataFrame, threshold: float, smoothing: bool) -> dict:
    """What metrics/scores.json holds. A split without labels scores null."""
    targets = table[list(LABELS)].to_numpy()
    known = np.isfinite(targets).all(axis=1)
    rows = {split: known & (table["split"] == split).to_numpy() for split in SPLITS}
    found: dict = {"f2": {}}
    for model in models_in(table):
        positive = answers_of(table, model, threshold, smoothing)
        found[model] = {split: scores(targets[r], positive[r]) if r.any() else None for split, r in rows.items()}
        found["f2"] = {split: scored and scored["f2"] for split, scored in found[model].items()}
    return found | {
        "all_positive": {split: all_positive_f2(targets[r]) if r.any() else None for split, r in rows.items()}
    }


def precision_recall(table: pd.DataFrame) -> pd.DataFrame:
    """The best micro precision at each recall of a grid: column `recall`, one column per model and split.

    Empty where a model or a split's labels are missing.
    """
    curves, labelled = pd.DataFrame({"recall": RECALL_GRID}), table.dropna(subset=list(LABELS))
    for model in MODELS:
        for split in SPLITS[1:]:
            part = labelled[labelled["split"] == split] if model in models_in(table) else labelled[:0]
            probabilities = probabilities_of(part, model) if len(part) else np.empty((0, len(LABELS)))
            curves[f"{model}_{split}"] = _best_precision(part[list(LABELS)].to_numpy().ravel(), probabilities.ravel())
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
