"""data/predictions.parquet: every slice with its labels and both models' probabilities; and the scores of it."""

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_curve

from hohoho.labels import LABELS
from hohoho.metrics import all_positive_f2, scores
from hohoho.split import SPLITS

MODELS = ("cnn", "cnn_lstm")


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


def precision_recall(table: pd.DataFrame, points: int = 100) -> pd.DataFrame:
    """Micro precision and recall on validation and test: at most `points` thresholds a curve, evenly along recall."""
    curves = []
    for split in SPLITS[1:]:
        for model in models_in(table):
            targets, probabilities = targets_and(table[table["split"] == split], model)
            if not len(targets) or not targets.any():
                continue
            precision, recall, threshold = precision_recall_curve(targets.ravel(), probabilities.ravel())
            picked = np.unique(np.linspace(0, len(threshold) - 1, points).round().astype(int))
            curve = {"recall": recall[picked], "precision": precision[picked], "threshold": threshold[picked]}
            curves.append(pd.DataFrame({"model": f"{model} {split}", **curve}))
    return pd.concat(curves) if curves else pd.DataFrame(columns=["model", "recall", "precision", "threshold"])


def f2_per_class(found: dict) -> pd.DataFrame:
    """F2 of each class, one row per model, split and class, for the plot."""
    rows = [
        {"model": f"{model} {split}", "class": label, "f2": scored[f"f2_{label}"]}
        for model in MODELS
        for split, scored in found.get(model, {}).items()
        if scored
        for label in LABELS
    ]
    return pd.DataFrame(rows, columns=["model", "class", "f2"])
