"""metrics/details.json: every score of every model, split and class; what it holds is said at `Evaluation`."""

from functools import partial

import numpy as np

from hohoho.inference.table import CLASSES, with_any, with_any_probability
from hohoho.labels import LABELS
from hohoho.scores.bleeds import erased_bleeds
from hohoho.scores.bootstrap import INTERVAL
from hohoho.scores.class_scores import (
    MICRO,
    Bootstrapped,
    bootstrapped,
    class_scores,
    difference,
    micro_f2_scores,
    scored_rows,
    with_intervals,
)
from hohoho.scores.f2 import all_positive_f2
from hohoho.scores.measures import number, rsna_log_loss
from hohoho.scores.operating_points import GLOBAL
from hohoho.scores.predictions import ModelPredictions
from hohoho.scores.reliability import brier, calibration_error
from hohoho.scores.scans import Settings, answer_counts, scan_calibration, scan_limits, scan_scores
from hohoho.scores.three_answers import limits_record
from hohoho.scores.truth import Truth
from hohoho.slices.split import SPLITS


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
        "scan_calibration": each(scan_calibration),
        "answers": {m: _answers(truth, predictions, settings) for m, predictions in models.items()},
        "lstm_gain": _gain(slices),
        "lstm_gain_at_best_f2": _gain_at_best_f2(truth, models, points, settings),
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
    ranked = np.column_stack([predictions.raw, predictions.any_bleed])[places]
    rows = scored_rows(with_any(truth.targets(split)), ranked, with_any(positive), patients)
    raw, calibrated = (with_any_probability(kind[places]) for kind in (predictions.raw, predictions.calibrated))

    def scores(weights):
        classes = class_scores(rows, weights)
        for name, probabilities in (("rsna_log_loss", raw), ("rsna_log_loss_calibrated", calibrated)):
            classes[MICRO][name] = rsna_log_loss(rows.targets, probabilities, rows.patient_index, weights)
        return classes

    return bootstrapped(rows, scores, settings.resampling(split))


def _gain(slices: dict[str, dict[str, Bootstrapped | None]]) -> dict:
    """What the last model has over the first; {} where there is one only."""
    if len(slices) < 2:
        return {}
    theirs, ours = slices.values()
    return {split: ours[split] and with_intervals(difference(ours[split], theirs[split])) for split in SPLITS}


def _gain_at_best_f2(truth: Truth, models: dict, points: dict, settings: Settings) -> dict:
    """The same for micro F2, each model at the one threshold that is best on validation: what is more than a threshold.

    Raw answers, without smoothing. None for a split without labels, {} where there is one model or no such threshold.
    """
    if len(models) < 2 or any(points[model][GLOBAL] is None for model in models):
        return {}

    def of(model, split):
        rows = truth.rows[split]
        positive, patients = models[model].raw[rows] >= points[model][GLOBAL], truth.table["patient"].to_numpy()[rows]
        decided = with_any(positive)
        scored = scored_rows(with_any(truth.targets(split)), decided, decided, patients)
        return bootstrapped(scored, partial(micro_f2_scores, scored), settings.resampling(split))

    theirs, ours = models
    return {
        split: with_intervals(difference(of(ours, split), of(theirs, split)))[MICRO]["f2"]
        if len(truth.rows[split])
        else None
        for split in SPLITS
    }


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
    """ECE and Brier score, raw and calibrated, per class, of any bleed and over the answers of the five classes."""
    rows, targets = truth.rows[split], with_any(truth.targets(split))
    if not len(rows):
        return None
    kinds = {kind: with_any_probability(getattr(predictions, kind)[rows]) for kind in ("raw", "calibrated")}
    columns = {name: [column] for column, name in enumerate(CLASSES)} | {MICRO: list(range(len(LABELS)))}
    return {
        name: {
            f"{score}_{kind}": number(measure(targets[:, chosen], values[:, chosen]))
            for score, measure in (("ece", calibration_error), ("brier", brier))
            for kind, values in kinds.items()
        }
        for name, chosen in columns.items()
    }


def _answers(truth: Truth, predictions: ModelPredictions, settings: Settings) -> dict:
    limits = scan_limits(truth, predictions, settings)
    counts = {split: answer_counts(truth, predictions, limits, split) for split in SPLITS}
    return {"limits": limits_record(limits), "counts": counts}


def _named(thresholds: np.ndarray | None) -> dict | None:
    return None if thresholds is None else dict(zip(LABELS, thresholds.tolist(), strict=True))
