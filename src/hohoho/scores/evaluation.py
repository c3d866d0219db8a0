"""Everything that the predictions say about the models, in one record: the stage writes it, the report shows it."""

from typing import NamedTuple

import pandas as pd

from hohoho.inference.table import models_in
from hohoho.scores import curves
from hohoho.scores.calibration import calibration_record
from hohoho.scores.details import Settings, all_details
from hohoho.scores.headline import headline
from hohoho.scores.model_answers import ModelAnswers, model_answers, refuse_nan
from hohoho.scores.operating_points import operating_points, point_table
from hohoho.scores.slice_groups import slice_groups
from hohoho.scores.smoothing_counts import smoothing_counts
from hohoho.scores.subgroups import subgroups
from hohoho.scores.truth import Truth, truth_of
from hohoho.scores.worst_slices import worst_slices

OF_ALL_MODELS = ("precision_recall", "roc", "reliability")


class Evaluation(NamedTuple):
    """The scores of a row. `score` is {"value", "low", "high"}: a number and its 95 % interval over patients.

    Anything undefined or unknown is None (null in JSON): a split without labels, a class without positives, an interval
    of the training split, with `evaluate.bootstrap: 0` or of a score that is the same in every resample. `any` is the
    sixth class: the largest of the five.
    Models are "cnn" and, where trained, "cnn_lstm"; the row's own model is the last of them.

    headline: metrics/scores.json, at most 30 numbers.
        f2: {train, val, test} micro F2 of the row's own model · f2_test_interval: {low, high}
        cnn, cnn_lstm: {f2_train, f2_val, f2_test, precision_test, recall_test, auroc_test (macro)}
        lstm_gain: {f2_test, low, high} cnn_lstm - cnn, paired (absent where there is no LSTM)
        all_positive: {train, val, test} · scan_test: {any_auroc, any_sensitivity, any_specificity} by the maximum
        calibration_test: {ece_raw, ece_calibrated}
    details: metrics/details.json.
        settings: {threshold, smoothing, resamples, seed, interval} · own_model: its name
        data: {split: {patients, studies, slices, labelled, positives: {class: n},
                all_positive_f2}}
        slices: {model: {split: {class | micro | macro: {f2, precision, recall, specificity, average_precision, auroc:
                 score}}}}; micro also has rsna_log_loss and rsna_log_loss_calibrated
        scans: {model: {split: {max | noisy_or: {class | micro | macro: the same scores}}}}; recall is sensitivity
        lstm_gain: {split: {class | micro | macro: {name: score}}} cnn_lstm - cnn on slices, paired; {} without an LSTM
        operating_points: {model: {point: {class: threshold}}}
        calibration: {model: {split: {class | micro: {ece_raw, ece_calibrated, brier_raw, brier_calibrated}}}}
        erased_bleeds: {model: [{split, study, index, class}]} true single-slice bleeds that smoothing would erase
    curves: by name. metrics/tables/: precision_recall, roc, reliability of all models and splits. metrics/plots/:
        f2_per_class, operating_points, own_precision_recall, own_roc, own_reliability, on test or else val.
    subgroups: one row per group (columns in hohoho.scores.subgroups), by the row's own model, on test or else val.
    worst: the worst misses and false alarms (columns in hohoho.scores.worst_slices), same model and split.
    smoothing: `case`, `model`, `split` and the columns of hohoho.scores.smoothing_counts.
    calibration: models/calibration.json: {formula, threshold, models: {model: {fitted_slices, temperature: {class: T},
        bias: {class: b}, threshold: {class: calibrated value of the raw threshold}}}}.
    own: the own model's probabilities and decisions, of every slice.
    """

    headline: dict
    details: dict
    curves: dict[str, pd.DataFrame]
    subgroups: pd.DataFrame
    worst: pd.DataFrame
    smoothing: pd.DataFrame
    calibration: dict
    own: ModelAnswers

    def plots(self) -> dict[str, pd.DataFrame]:
        """The tables of metrics/plots/ by name: what DVC draws of the own model."""
        drawn = {name: table for name, table in self.curves.items() if name not in OF_ALL_MODELS}
        return drawn | {"subgroups": self.subgroups, "smoothing": self.smoothing}

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables of metrics/tables/ by name: the curves of all models and splits."""
        return {name: self.curves[name] for name in OF_ALL_MODELS}


def evaluate(table: pd.DataFrame, studies: pd.DataFrame, settings: Settings) -> Evaluation:
    """All scores of a prediction table (see hohoho.inference.table), with the study table beside it.

    Raises `InputError` for a probability that is NaN, before any score.
    """
    refuse_nan(table)
    truth = truth_of(table, studies)
    models = {m: model_answers(table, m, settings.threshold, truth.rows["val"]) for m in models_in(table)}
    points = {model: operating_points(truth, answers, settings.threshold) for model, answers in models.items()}
    details = all_details(truth, models, points, settings)
    own = models[details["own_model"]]
    rows = truth.rows["test"] if len(truth.rows["test"]) else truth.rows["val"]
    part, groups, positive = table.iloc[rows], slice_groups(table, studies).iloc[rows], own.answers(settings.smoothing)
    return Evaluation(
        headline(details),
        details,
        all_curves(truth, models, points, details),
        subgroups(part, groups, own.raw[rows], positive[rows], settings.resamples, settings.seed),
        worst_slices(part, own.raw[rows], own.calibrated[rows], positive[rows]),
        smoothing_table(truth, models, settings),
        calibration_record({model: answers.calibration for model, answers in models.items()}, settings.threshold),
        own,
    )


def all_curves(truth: Truth, models: dict[str, ModelAnswers], points: dict, details: dict) -> dict[str, pd.DataFrame]:
    """`Evaluation.curves`. points: model → its operating points."""
    parts = {(m, s): (truth.targets(s), a.raw[truth.rows[s]]) for m, a in models.items() for s in truth.labelled()}
    raw = {model: part for (model, split), part in parts.items() if split == "test"}
    calibrated = {model: (part[0], models[model].calibrated[truth.rows["test"]]) for model, part in raw.items()}
    own, shown = details["own_model"], "test" if len(truth.rows["test"]) else "val"
    tables = {
        "precision_recall": curves.precision_recall(parts),
        "roc": curves.roc(parts),
        "reliability": curves.reliability_curves(raw, calibrated),
        "f2_per_class": curves.f2_per_class(details["slices"][own], shown),
        "operating_points": pd.concat([point_table(m, points[m], truth, models[m]) for m in models], ignore_index=True),
    }
    tables["operating_points"].insert(1, "f2", tables["operating_points"][f"f2_{shown}"])
    return tables | curves.own_curves(tables, own, shown)


def smoothing_table(truth: Truth, models: dict[str, ModelAnswers], settings: Settings) -> pd.DataFrame:
    """What smoothing would do, per model, split and class."""
    parts = []
    for model, answers in models.items():
        for split in truth.labelled():
            rows, draws = truth.rows[split], (settings.resamples_of(split), settings.seed)
            counts = smoothing_counts(truth.table.iloc[rows], answers.positive[rows], answers.smoothed[rows], *draws)
            counts.insert(0, "case", [f"{model} {split} {name}" for name in counts["class"]])
            counts.insert(1, "model", model)
            counts.insert(2, "split", split)
            parts.append(counts)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["case", "model", "split", "class"])
