"""Scores of whole scans: is there a bleed in it at all? And how everything is scored."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit

from hohoho.inference.table import CLASSES, scan_maxima, with_any
from hohoho.labels import LABELS
from hohoho.scores.bootstrap import Resampling
from hohoho.scores.class_scores import bootstrapped, class_scores, scored_rows, with_intervals
from hohoho.scores.measures import number
from hohoho.scores.predictions import MAX, ModelPredictions
from hohoho.scores.reliability import brier, calibration_error, log_loss
from hohoho.scores.three_answers import ANSWERS, Limits, answers, limits
from hohoho.scores.truth import Truth, scan_truth
from hohoho.slices.split import CALIBRATION

CALIBRATION_SCORES = {"ece": calibration_error, "brier": brier, "log_loss": log_loss}
NO_SCAN_LABELS = pd.DataFrame(columns=["study"])


class Settings(NamedTuple):
    """How it is scored."""

    threshold: float  # of the raw probability
    smoothing: bool  # of the answers along a scan
    resamples: int  # of the bootstrap over patients; 0 = no intervals
    seed: int
    answer_error: float = 0.05  # of the two sure ones of three answers
    answer_confidence: float = 0.95

    def resampling(self, split: str) -> Resampling:
        """The scores of the training split estimate nothing, so they get no interval."""
        return Resampling(0 if split == "train" else self.resamples, self.seed)


def scan_scores(settings: Settings, truth: Truth, predictions: ModelPredictions, split: str) -> dict | None:
    """Of one split's known scans; None without any.

    By the maximum, then by the scan's own probability at each of its operating points. A class without a threshold is
    never called, and one without a probability of its own is ranked by what its slices say.
    """
    known, any_known = truth.scan_rows(split), truth.any_rows(split)
    if not known.any():
        return None
    patients = truth.scans["patient"].to_numpy()
    positive = scan_maxima(truth.table["study"].to_numpy(), with_any(predictions.predicted(settings.smoothing)))
    own = predictions.scan_probability
    own = np.where(np.isfinite(own), own, expit(predictions.scan_aggregates))

    def score(rows, targets, probabilities, positive):
        scored = scored_rows(targets, probabilities[rows], positive[rows], patients[rows])
        return with_intervals(bootstrapped(scored, partial(class_scores, scored), settings.resampling(split)))

    def scores(probabilities, positive):
        of_classes = score(known, truth.scan_targets(split), probabilities, positive)
        if (any_known != known).any():  # of some scans the types are unknown
            columns = [-1] * len(CLASSES)
            targets = truth.scans.loc[any_known, ["any"] * len(CLASSES)].to_numpy()
            of_classes["any"] = score(any_known, targets, probabilities[:, columns], positive[:, columns])["any"]
        return of_classes

    points = predictions.fitted.scan_model.thresholds.items()
    return {MAX: scores(predictions.scan_max, positive)} | {
        point: scores(own, own >= np.where(np.isfinite(thresholds), thresholds, np.inf)) for point, thresholds in points
    }


def scan_calibration(truth: Truth, predictions: ModelPredictions, split: str) -> dict | None:
    """ECE, Brier score and log loss (nat) of the scans' own probabilities, per class and any; None without scans."""
    rows = truth.any_rows(split)
    if not rows.any():
        return None
    targets, probabilities = truth.scans.loc[rows, list(CLASSES)].to_numpy(float), predictions.scan_probability[rows]

    columns = zip(CLASSES, targets.T, probabilities.T, strict=True)
    return {
        name: {score: number(measure(t, p)) for score, measure in CALIBRATION_SCORES.items()} for name, t, p in columns
    }


def scan_limits(truth: Truth, predictions: ModelPredictions, settings: Settings) -> Limits:
    """The limits of the three answers: those that are known, else from the scans that were kept aside, or without any
    from those of validation."""
    if predictions.fitted.limits:
        return predictions.fitted.limits
    split = CALIBRATION if truth.any_rows(CALIBRATION).any() else "val"
    rows = truth.any_rows(split)
    bleeding, patients = (truth.scans.loc[rows, name].to_numpy() for name in ("any", "patient"))
    probabilities = predictions.scan_probability[rows, -1]
    return limits(bleeding > 0, probabilities, patients, settings.answer_error, settings.answer_confidence, split)


def answer_counts(truth: Truth, predictions: ModelPredictions, of: Limits, split: str) -> dict[str, dict[str, int]]:
    """How many scans of a split with a `bleed`, and without (`none`), get each of ANSWERS."""
    rows = truth.any_rows(split)
    given, bleeding = answers(of, predictions.scan_probability[rows, -1]), truth.scans.loc[rows, "any"].to_numpy() > 0
    return {
        name: {answer: int((given[scans] == answer).sum()) for answer in ANSWERS}
        for name, scans in (("bleed", bleeding), ("none", ~bleeding))
    }


def true_scan_scores(
    truth: Truth, predictions: ModelPredictions, settings: Settings, split: str, true_labels: Callable
) -> dict | None:
    """`scan_scores` by the maximum, against true labels: one wrong slice label makes a scan of many slices wrong."""
    rows, labels = np.flatnonzero(truth.table["split"] == split), truth.table[LABELS].to_numpy(dtype=float, copy=True)
    labels[rows] = true_labels(rows)
    table = truth.table.assign(**dict(zip(LABELS, labels.T, strict=True)))
    scores = scan_scores(settings, truth._replace(scans=scan_truth(table, NO_SCAN_LABELS)), predictions, split)
    return scores and scores[MAX]
