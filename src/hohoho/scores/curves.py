"""Curves for DVC's plots: one column per model and split, on a common grid; empty where there is nothing to show."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_curve, roc_curve

from hohoho.inference.table import MODELS
from hohoho.labels import LABELS
from hohoho.scores.reliability import BINS, reliability
from hohoho.slices.split import SPLITS

GRID = np.linspace(0, 1, 101).round(2)

Part = tuple[np.ndarray, np.ndarray]  # targets and probabilities, (slices, 5) each


def precision_recall(parts: dict[tuple[str, str], Part]) -> pd.DataFrame:
    """The best micro precision at each `recall` of a grid. parts: (model, split) → labelled slices."""
    return _on_grid("recall", parts, _best_precision)


def roc(parts: dict[tuple[str, str], Part]) -> pd.DataFrame:
    """The micro true positive rate at each `false_positive_rate` of a grid. parts: as above."""
    return _on_grid("false_positive_rate", parts, _true_positive_rate)


def reliability_curves(raw: dict[str, Part], calibrated: dict[str, Part]) -> pd.DataFrame:
    """Ten bins of probability, `bin` their middle; per model, raw and calibrated, three columns.

    `<model>_<kind>_predicted`: mean probability; `…_observed`: frequency of bleeds; `…_gap`: observed - predicted.
    raw, calibrated: model → labelled slices of one split, all classes together.
    """
    columns = {"bin": (np.arange(BINS) + 0.5) / BINS}
    for model in MODELS:
        for kind, parts in (("raw", raw), ("calibrated", calibrated)):
            nothing = pd.DataFrame({"predicted": np.nan, "observed": np.nan}, index=range(BINS))
            curve = reliability(*parts[model]) if model in parts else nothing
            curve = curve.assign(gap=curve["observed"] - curve["predicted"])
            columns |= {f"{model}_{kind}_{axis}": curve[axis].round(6) for axis in ("predicted", "observed", "gap")}
    return pd.DataFrame(columns)


def own_curves(tables: dict[str, pd.DataFrame], model: str, split: str) -> dict[str, pd.DataFrame]:
    """The curves of one model on one split, points that are unknown left out: DVC would draw them at 0.

    tables: of the three functions above. own_precision_recall: recall, precision · own_roc: false_positive_rate,
    true_positive_rate · own_reliability: predicted, observed, calibrated, on test.
    """
    wide = {
        "own_precision_recall": {"recall": "recall", f"{model}_{split}": "precision"},
        "own_roc": {"false_positive_rate": "false_positive_rate", f"{model}_{split}": "true_positive_rate"},
        "own_reliability": {f"{model}_calibrated_{axis}": axis for axis in ("predicted", "observed")},
    }
    return {
        name: tables[name.removeprefix("own_")][list(columns)].rename(columns=columns).dropna()
        for name, columns in wide.items()
    }


def f2_per_class(slices: dict[str, dict], shown: str) -> pd.DataFrame:
    """F2 of each class by one model, a column per split; `f2` is that of the split `shown`.

    slices: as details["slices"][model].
    """
    columns = {
        f"f2_{split}": [slices[split] and slices[split][label]["f2"]["value"] for label in LABELS] for split in SPLITS
    }
    return pd.DataFrame({"class": LABELS, "f2": columns[f"f2_{shown}"], **columns})


def _on_grid(axis: str, parts: dict[tuple[str, str], Part], curve: Callable) -> pd.DataFrame:
    columns = {
        f"{model}_{split}": curve(*(values.ravel() for values in parts[model, split]))
        if (model, split) in parts
        else np.nan
        for model in MODELS
        for split in SPLITS[1:]
    }
    return pd.DataFrame({axis: GRID, **columns})


def _best_precision(targets: np.ndarray, probabilities: np.ndarray) -> np.ndarray | float:
    if not targets.any():
        return np.nan
    precision, recall, _ = precision_recall_curve(targets, probabilities)
    best_beyond = np.maximum.accumulate(precision)  # recall falls along the curve, so: the best at this recall or more
    return best_beyond[np.searchsorted(-recall, -GRID, side="right") - 1].round(6)


def _true_positive_rate(targets: np.ndarray, probabilities: np.ndarray) -> np.ndarray | float:
    if targets.min() == targets.max():
        return np.nan
    false_positive, true_positive, _ = roc_curve(targets, probabilities)
    return np.interp(GRID, false_positive, true_positive).round(6)
