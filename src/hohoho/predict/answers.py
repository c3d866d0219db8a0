"""What is said of a new scan: columns for its slices, and the probability and the answer for the whole."""

import numpy as np
import pandas as pd

from hohoho.inference.table import CLASSES, with_any, with_any_probability
from hohoho.labels import LABELS
from hohoho.scores.calibration import calibrated
from hohoho.scores.f2 import predicted
from hohoho.scores.predictions import slice_probabilities
from hohoho.scores.scan_probability import ScanModel, read_scan_model, scan_aggregates
from hohoho.scores.three_answers import UNCERTAIN, answers, guarantees, read_limits
from hohoho.slices.label_patterns import smooth

DIGITS = 6
MEANING = {
    "missing_before": "1 where a slice is missing below this one; the two are then not taken for neighbours",
    "<model>_<label>": "raw output of the model for the slice, as in data/predictions.parquet; it ranks slices and is "
    "compared with the threshold, but is no probability",
    "<model>_<label>_positive": "the model's answer, 0 or 1: from the threshold up, then smoothed along the scan if "
    "calibration.smoothing says so; missing where `evaluate` has not run",
    "<model>_<label>_calibrated": "probability of this bleed on the slice, as far as the validation slices of the "
    "training data can tell; empty for a class, missing for all, where there were none to calibrate on",
    "<model>_any_calibrated": "probability of any bleed on the slice, 1 - Π(1 - p) over the classes that have one",
    "scan": "of the whole scan, by class and for any bleed – largest_raw: of its slices, no probability; "
    "positive_slices: whether a slice is positive; probability: that the scan shows this bleed, calibrated on the "
    "validation scans of the training data; from_sensitivity_95, from_youden: whether it reaches the threshold that "
    "finds 95 % of their bleeds, and that of the best sensitivity + specificity",
    "answer": "one of three, from the scan's probability of any bleed; uncertain because of any doubt whether the scan "
    "is like those of the training data; guarantees: what each promises for scans like those",
}


def answer_columns(raw: dict[str, np.ndarray], runs: list[slice], calibration: dict | None) -> pd.DataFrame:
    """The columns that MEANING explains, a row per slice. raw: model → (slices, 5); runs: of adjacent slices."""
    columns = {}
    for model, values in raw.items():
        columns |= {f"{model}_{label}": values[:, c] for c, label in enumerate(LABELS)}
        if calibration:
            positive = positive_slices(values, runs, calibration).astype(int)
            columns |= {f"{model}_{label}_positive": positive[:, c] for c, label in enumerate(LABELS)}
        shown = with_any_probability(calibrated(calibration, model, values))
        if np.isfinite(shown).any():
            columns |= {f"{model}_{name}_calibrated": shown[:, c] for c, name in enumerate(CLASSES)}
    return pd.DataFrame(columns).round(DIGITS)


def positive_slices(raw: np.ndarray, runs: list[slice], calibration: dict) -> np.ndarray:
    """(slices, 5) bool answers as `evaluate` scored them. raw: (slices, 5) of one scan, foot to head."""
    positive = predicted(raw, calibration["threshold"])
    return np.concatenate([smooth(positive[run]) for run in runs]) if calibration["smoothing"] else positive


def scan_summary(model: str, raw: np.ndarray, runs: list[slice], calibration: dict | None) -> dict[str, dict]:
    """Of each class and of `any` what MEANING calls `scan`, as far as it is known.

    raw: (slices, 5) by the model; runs: of adjacent slices.
    """
    summary = {name: {} for name in CLASSES}
    for label, value in zip(LABELS, raw.max(axis=0), strict=True):
        summary[label]["largest_raw"] = round(float(value), DIGITS)
    if not calibration:
        return summary
    for name, value in zip(CLASSES, with_any(positive_slices(raw, runs, calibration)).any(axis=0), strict=True):
        summary[name]["positive_slices"] = bool(value)
    if fitted := scan_model(model, calibration):
        aggregates = scan_aggregates(np.zeros(len(raw)), slice_probabilities(raw, calibrated(calibration, model, raw)))
        for column, value in enumerate(fitted.probability(aggregates)[0]):
            if np.isfinite(value):
                at = {f"from_{point}": bool(value >= least[column]) for point, least in fitted.thresholds.items()}
                summary[CLASSES[column]] |= {"probability": round(float(value), DIGITS), **at}
    return summary


def scan_answer(model: str, summary: dict[str, dict], calibration: dict | None, doubts: list[str]) -> dict | None:
    """One of three answers by a model, what stands behind it, and why; None where scans were not calibrated.

    summary: the model's `scan_summary`. doubts: reasons against any answer, each of which makes it uncertain.
    """
    if not (calibration and scan_model(model, calibration)):
        return None
    limits = read_limits(calibration["scans"][model]["answers"])
    probability = summary["any"].get("probability")
    (given,) = answers(limits, np.array([np.nan if probability is None else probability]))
    ends = {"no_bleed_seen_below": limits.low.value, "bleed_above": limits.high.value}
    said = {"answer": UNCERTAIN if doubts else given, "because": doubts}
    return {"model": model, **said, "probability": probability, **ends, "guarantees": guarantees(limits)}


def scan_model(model: str, calibration: dict) -> ScanModel | None:
    """How the model's slices make a scan; None where no labelled scan told."""
    record = calibration.get("scans", {}).get(model)
    return read_scan_model(record) if record else None
