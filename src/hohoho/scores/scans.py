"""Scores of whole scans: is there a bleed in it at all? And how everything is scored."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd

from hohoho.inference.table import CLASSES, scan_maxima, with_any
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
    patients, any_known = truth.scans["patient"].to_numpy(), truth.any_rows(split)
    positive = scan_maxima(truth.table["study"].to_numpy(), with_any(predictions.predicted(settings.smoothing)))

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
