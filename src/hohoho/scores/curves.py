"""Curves for DVC's plots: one column per model and split, on a common grid; empty where there is nothing to show."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_curve, roc_curve

from hohoho.inference.table import MODELS
from hohoho.labels import LABELS
from hohoho.scores.operating_points import point_table
from hohoho.scores.predictions import ModelPredictions
from hohoho.scores.reliability import BINS, reliability
from hohoho.scores.truth import Truth
from hohoho.slices.split import SPLITS

GRID = np.linspace(0, 1, 101).round(2)

Part = tuple[np.ndarray, np.ndarray]  # targets and probabilities, (slices, 5) each, maybe of no slice
NO_SLICES = (np.empty((0, len(LABELS))), np.empty((0, len(LABELS))))


def all_curves(truth: Truth, models: dict[str, ModelPredictions], points: dict, details: dict) -> dict:
    """`Evaluation.curves`. points: model → its operating points; details: `Evaluation.details`."""

    def part(model, split, kind="raw"):
        return (truth.targets(split), getattr(models[model], kind)[truth.rows[split]]) if model in models else NO_SLICES

    own, shown = details["own_model"], truth.shown()
    parts = {f"{model}_{split}": part(model, split) for model in MODELS for split in SPLITS[1:]}
    kinds = {f"{model}_{kind}": part(model, "test", kind) for model in MODELS for kind in ("raw", "calibrated")}
    own_part, reliabilities = part(own, shown), reliability_curves(kinds)
    own_reliability = {f"{own}_calibrated_{axis}": axis for axis in ("predicted", "observed")}
    slices = details["slices"][own].items()
    f2 = {f"f2_{split}": [scores and scores[label]["f2"]["value"] for label in LABELS] for split, scores in slices}
    thresholds = pd.concat([point_table(m, points[m], truth, models[m]) for m in models], ignore_index=True)
    thresholds.insert(1, "f2", thresholds.get(f"f2_{shown}"))
    return {
        "precision_recall": on_grid("recall", parts, best_precision),
        "roc": on_grid("false_positive_rate", parts, true_positive_rate),
        "reliability": reliabilities,
        "f2_per_class": pd.DataFrame({"class": LABELS, "f2": f2[f"f2_{shown}"], **f2}),
        "operating_points": thresholds,
        # points that are unknown are left out: DVC would draw them at 0
        "own_precision_recall": on_grid("recall", {"precision": own_part}, best_precision).dropna(),
        "own_roc": on_grid("false_positive_rate", {"true_positive_rate": own_part}, true_positive_rate).dropna(),
        "own_reliability": reliabilities[list(own_reliability)].rename(columns=own_reliability).dropna(),
    }


def reliability_curves(parts: dict[str, Part]) -> pd.DataFrame:
    """Ten bins of probability, `bin` their middle, all classes together; three columns per part.

    `<part>_predicted`: mean probability; `…_observed`: frequency of bleeds; `…_gap`: observed - predicted.
    """
    columns = {"bin": (np.arange(BINS) + 0.5) / BINS}
    for name, part in parts.items():
        curve = reliability(*part)
        curve = curve.assign(gap=curve["observed"] - curve["predicted"])
        columns |= {f"{name}_{axis}": curve[axis].round(6) for axis in ("predicted", "observed", "gap")}
    return pd.DataFrame(columns)


def on_grid(axis: str, parts: dict[str, Part], curve: Callable) -> pd.DataFrame:
    """A micro curve of each part by column, on GRID; empty where there is nothing to find."""
    return pd.DataFrame({axis: GRID, **{name: curve(*(v.ravel() for v in part)) for name, part in parts.items()}})


def best_precision(targets: np.ndarray, probabilities: np.ndarray) -> np.ndarray | float:
    """At each recall of GRID, the best precision at this recall or more."""
    if not targets.any():
        return np.nan
    precision, recall, _ = precision_recall_curve(targets, probabilities)
    best_beyond = np.maximum.accumulate(precision)  # recall falls along the curve
    return best_beyond[np.searchsorted(-recall, -GRID, side="right") - 1].round(6)


def true_positive_rate(targets: np.ndarray, probabilities: np.ndarray) -> np.ndarray | float:
    """At each false positive rate of GRID."""
    if targets.all() or not targets.any():
        return np.nan
    false_positive, true_positive, _ = roc_curve(targets, probabilities)
    return np.interp(GRID, false_positive, true_positive).round(6)
