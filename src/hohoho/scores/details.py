"""metrics/details.json: every score of every model, split and class; what it holds is said at `Evaluation`."""

from functools import partial
from typing import NamedTuple

import numpy as np

from hohoho.labels import LABELS
from hohoho.scores.bootstrap import INTERVAL
from hohoho.scores.class_scores import (
    CLASSES,
    MICRO,
    Judged,
    Sampled,
    Scores,
    class_scores,
    difference,
    judged,
    sampled,
    with_any,
    with_intervals,
)
from hohoho.scores.log_loss import rsna_log_loss
from hohoho.scores.model_answers import ModelAnswers
from hohoho.scores.rates import all_positive_f2, number
from hohoho.scores.reliability import brier, calibration_error
from hohoho.scores.scan_scores import MAX, NOISY_OR, judged_scans
from hohoho.scores.smoothing_counts import erased_bleeds
from hohoho.scores.truth import Truth
from hohoho.slices.split import SPLITS


class Settings(NamedTuple):
    """How it is scored."""

    threshold: float  # of the raw probability
    smoothing: bool  # of the answers along a scan
    resamples: int  # of the bootstrap over patients; 0 = no intervals
    seed: int

    def resamples_of(self, split: str) -> int:
        """The scores of the training split estimate nothing, so they get no interval."""
        return 0 if split == "train" else self.resamples


def all_details(truth: Truth, models: dict[str, ModelAnswers], points: dict, settings: Settings) -> dict:
    """points: model → its operating points."""
    slices = {m: {s: slice_scores(truth, answers, s, settings) for s in SPLITS} for m, answers in models.items()}
    return {
        "settings": settings._asdict() | {"interval": INTERVAL},
        "own_model": list(models)[-1],
        "data": {split: _sizes(truth, split) for split in SPLITS},
        "slices": {
            m: {s: found and with_intervals(found) for s, found in parts.items()} for m, parts in slices.items()
        },
        "scans": {m: {s: scan_scores(truth, answers, s, settings) for s in SPLITS} for m, answers in models.items()},
        "lstm_gain": _gain(slices),
        "operating_points": {m: {name: _named(point) for name, point in found.items()} for m, found in points.items()},
        "calibration": {m: {s: _calibration(truth, answers, s) for s in SPLITS} for m, answers in models.items()},
        "erased_bleeds": {m: _erased(truth, answers) for m, answers in models.items()},
    }


def slice_scores(truth: Truth, answers: ModelAnswers, split: str, settings: Settings) -> Sampled | None:
    """Of one split's labelled slices; None without any."""
    rows = truth.rows[split]
    if not len(rows):
        return None
    patients = truth.table["patient"].to_numpy()[rows]
    raw = judged(truth.targets(split), answers.raw[rows], answers.answers(settings.smoothing)[rows], patients)
    calibrated = raw._replace(probabilities=with_any(answers.calibrated[rows]))
    return sampled(partial(_with_log_loss, raw, calibrated), raw.patients, settings.resamples_of(split), settings.seed)


def scan_scores(truth: Truth, answers: ModelAnswers, split: str, settings: Settings) -> dict | None:
    """Of one split's known scans, both ways; None without any."""
    rows = truth.scan_rows(split)
    if not rows.any():
        return None
    found = {}
    for name, probabilities in ((MAX, answers.scan_max), (NOISY_OR, answers.scan_noisy_or)):
        scans = judged_scans(truth.scans[rows], probabilities[rows], settings.threshold)
        scores = sampled(partial(class_scores, scans), scans.patients, settings.resamples_of(split), settings.seed)
        found[name] = with_intervals(scores)
    return found


def _with_log_loss(raw: Judged, calibrated: Judged, draws: np.ndarray) -> Scores:
    found = class_scores(raw, draws)
    found[MICRO]["rsna_log_loss"] = rsna_log_loss(raw, draws)
    found[MICRO]["rsna_log_loss_calibrated"] = rsna_log_loss(calibrated, draws)
    return found


def _gain(slices: dict[str, dict[str, Sampled | None]]) -> dict:
    """What the last model has over the first; {} where there is one only."""
    if len(slices) < 2:
        return {}
    theirs, ours = slices.values()
    return {split: ours[split] and with_intervals(difference(ours[split], theirs[split])) for split in SPLITS}


def _sizes(truth: Truth, split: str) -> dict:
    part, targets = truth.table[truth.table["split"] == split], truth.targets(split)
    positives = with_any(targets).sum(0) if len(targets) else np.zeros(len(CLASSES))
    return {
        "patients": int(part["patient"].nunique()),
        "studies": int(part["study"].nunique()),
        "slices": len(part),
        "labelled": len(targets),
        "positives": dict(zip(CLASSES, map(int, positives), strict=True)),
        "all_positive_f2": number(all_positive_f2(targets)) if len(targets) else None,
    }


def _calibration(truth: Truth, answers: ModelAnswers, split: str) -> dict | None:
    """ECE and Brier score, raw and calibrated, per class and over all answers."""
    rows, targets = truth.rows[split], truth.targets(split)
    if not len(rows):
        return None
    columns = {label: [column] for column, label in enumerate(LABELS)} | {MICRO: list(range(len(LABELS)))}
    return {
        name: {
            f"{score}_{kind}": number(measure(targets[:, chosen], values[rows][:, chosen]))
            for score, measure in (("ece", calibration_error), ("brier", brier))
            for kind, values in (("raw", answers.raw), ("calibrated", answers.calibrated))
        }
        for name, chosen in columns.items()
    }


def _erased(truth: Truth, answers: ModelAnswers) -> list[dict]:
    rows = np.concatenate([truth.rows[split] for split in SPLITS])
    return erased_bleeds(truth.table.iloc[rows], answers.positive[rows], answers.smoothed[rows])


def _named(thresholds: np.ndarray | None) -> dict | None:
    return None if thresholds is None else dict(zip(LABELS, map(float, thresholds), strict=True))
