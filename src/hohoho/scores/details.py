"""metrics/details.json: every score of every model, split and class; what it holds is said at `Evaluation`."""

from functools import partial
from typing import NamedTuple

import numpy as np

from hohoho.inference.table import CLASSES, with_any
from hohoho.labels import LABELS
from hohoho.scores.bleeds import erased_bleeds
from hohoho.scores.bootstrap import INTERVAL, Resampling
from hohoho.scores.calibration import brier, calibration_error
from hohoho.scores.class_scores import (
    MICRO,
    Bootstrapped,
    bootstrapped,
    class_scores,
    difference,
    scored_rows,
    with_intervals,
)
from hohoho.scores.f2 import all_positive_f2
from hohoho.scores.measures import number, rsna_log_loss
from hohoho.scores.predictions import MAX, NOISY_OR, ModelPredictions, Truth
from hohoho.slices.split import SPLITS


class Settings(NamedTuple):
    """How it is scored."""

    threshold: float  # of the raw probability
    smoothing: bool  # of the answers along a scan
    resamples: int  # of the bootstrap over patients; 0 = no intervals
    seed: int

    def resampling(self, split: str) -> Resampling:
        """The scores of the training split estimate nothing, so they get no interval."""
        return Resampling(0 if split == "train" else self.resamples, self.seed)


def all_details(truth: Truth, models: dict[str, ModelPredictions], points: dict, settings: Settings) -> dict:
    """points: model → its operating points."""

    def each(score):
        return {m: {s: score(truth, predictions, s) for s in SPLITS} for m, predictions in models.items()}

    slices, labelled = each(partial(slice_scores, settings)), np.concatenate(list(truth.rows.values()))
    return {
        "settings": settings._asdict() | {"interval": INTERVAL},
        "own_model": list(models)[-1],
        "data": {split: _sizes(truth, split) for split in SPLITS},
        "slices": {m: {s: part and with_intervals(part) for s, part in parts.items()} for m, parts in slices.items()},
        "scans": each(partial(scan_scores, settings)),
        "lstm_gain": _gain(slices),
        "operating_points": {m: {name: _named(point) for name, point in named.items()} for m, named in points.items()},
        "calibration": each(_calibration),
        "erased_bleeds": {
            m: erased_bleeds(truth.table.iloc[labelled], predictions.positive[labelled], predictions.smoothed[labelled])
            for m, predictions in models.items()
        },
    }


def slice_scores(settings: Settings, truth: Truth, predictions: ModelPredictions, split: str) -> Bootstrapped | None:
    """Of one split's labelled slices; None without any."""
    places = truth.rows[split]
    if not len(places):
        return None
    positive, patients = predictions.predicted(settings.smoothing)[places], truth.table["patient"].to_numpy()[places]
    rows = scored_rows(with_any(truth.targets(split)), with_any(predictions.raw[places]), with_any(positive), patients)
    calibrated = with_any(predictions.calibrated[places])

    def scores(weights):
        classes = class_scores(rows, weights)
        for name, probabilities in (("rsna_log_loss", rows.probabilities), ("rsna_log_loss_calibrated", calibrated)):
            classes[MICRO][name] = rsna_log_loss(rows.targets, probabilities, rows.patient_index, weights)
        return classes

    return bootstrapped(scores, rows.patients, settings.resampling(split))


def scan_scores(settings: Settings, truth: Truth, predictions: ModelPredictions, split: str) -> dict | None:
    """Of one split's known scans, both ways; None without any."""
    known = truth.scan_rows(split)
    if not known.any():
        return None
    targets, patients = truth.scan_targets(split), truth.scans.loc[known, "patient"].to_numpy()
    scores = {}
    for name, probabilities in ((MAX, predictions.scan_max[known]), (NOISY_OR, predictions.scan_noisy_or[known])):
        rows = scored_rows(targets, probabilities, probabilities >= settings.threshold, patients)
        scores[name] = with_intervals(
            bootstrapped(partial(class_scores, rows), rows.patients, settings.resampling(split))
        )
    if (truth.any_rows(split) != known).any():
        for name, values in ((MAX, predictions.scan_max), (NOISY_OR, predictions.scan_noisy_or)):
            scores[name]["any"] = _any_scores(settings, truth, values, split)
    return scores


def _any_scores(settings: Settings, truth: Truth, probabilities: np.ndarray, split: str) -> dict:
    """Of any bleed, in all scans of which that is known: of some the types are not. probabilities: (scans, 6)."""
    known = truth.any_rows(split)
    targets, patients = truth.scans.loc[known, ["any"] * len(CLASSES)].to_numpy(), truth.scans.loc[known, "patient"]
    said = np.repeat(probabilities[known, -1:], len(CLASSES), axis=1)
    rows = scored_rows(targets, said, said >= settings.threshold, patients.to_numpy())
    return with_intervals(bootstrapped(partial(class_scores, rows), rows.patients, settings.resampling(split)))["any"]


def _gain(slices: dict[str, dict[str, Bootstrapped | None]]) -> dict:
    """What the last model has over the first; {} where there is one only."""
    if len(slices) < 2:
        return {}
    theirs, ours = slices.values()
    return {split: ours[split] and with_intervals(difference(ours[split], theirs[split])) for split in SPLITS}


def _sizes(truth: Truth, split: str) -> dict:
    part, targets = truth.table[truth.table["split"] == split], truth.targets(split)
    return {
        "patients": int(part["patient"].nunique()),
        "studies": int(part["study"].nunique()),
        "slices": len(part),
        "labelled": len(targets),
        "positives": dict(zip(CLASSES, map(int, with_any(targets).sum(0)), strict=True)),
        "all_positive_f2": number(all_positive_f2(targets)) if len(targets) else None,
    }


def _calibration(truth: Truth, predictions: ModelPredictions, split: str) -> dict | None:
    """ECE and Brier score, raw and calibrated, per class and over all answers."""
    rows, targets = truth.rows[split], truth.targets(split)
    if not len(rows):
        return None
    columns = {label: [column] for column, label in enumerate(LABELS)} | {MICRO: list(range(len(LABELS)))}
    return {
        name: {
            f"{score}_{kind}": number(measure(targets[:, chosen], values[rows][:, chosen]))
            for score, measure in (("ece", calibration_error), ("brier", brier))
            for kind, values in (("raw", predictions.raw), ("calibrated", predictions.calibrated))
        }
        for name, chosen in columns.items()
    }


def _named(thresholds: np.ndarray | None) -> dict | None:
    return None if thresholds is None else dict(zip(LABELS, thresholds.tolist(), strict=True))
