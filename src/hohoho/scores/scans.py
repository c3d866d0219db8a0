"""Scores of whole scans: is there a bleed in it at all? And how everything is scored."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd

from hohoho.inference.table import scan_maxima, with_any
from hohoho.labels import LABELS
from hohoho.scores.bootstrap import Resampling
from hohoho.scores.class_scores import bootstrapped, class_scores, scored_rows, with_intervals
from hohoho.scores.predictions import MAX, NOISY_OR, ModelPredictions, Truth, scan_truth

NO_SCAN_LABELS = pd.DataFrame(columns=["study"])


class Settings(NamedTuple):
    """How it is scored."""

    threshold: float  # of the raw probability
    smoothing: bool  # of the answers along a scan
    resamples: int  # of the bootstrap over patients; 0 = no intervals
    seed: int

    def resampling(self, split: str) -> Resampling:
        """The scores of the training split estimate nothing, so they get no interval."""
        return Resampling(0 if split == "train" else self.resamples, self.seed)


def scan_scores(settings: Settings, truth: Truth, predictions: ModelPredictions, split: str) -> dict | None:
    """Of one split's known scans, both ways; None without any, and for noisy-or where it does not exist."""
    known = truth.scan_rows(split)
    if not known.any():
        return None
    targets, patients = truth.scan_targets(split), truth.scans.loc[known, "patient"].to_numpy()
    positive = scan_maxima(truth.table["study"].to_numpy(), with_any(predictions.predicted(settings.smoothing)))

    def scores(probabilities, positive):
        rows = scored_rows(targets, probabilities[known], positive[known], patients)
        return with_intervals(bootstrapped(rows, partial(class_scores, rows), settings.resampling(split)))

    noisy_or = predictions.scan_noisy_or
    return {
        MAX: scores(predictions.scan_max, positive),
        NOISY_OR: None if noisy_or is None else scores(noisy_or, noisy_or >= settings.threshold),
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
