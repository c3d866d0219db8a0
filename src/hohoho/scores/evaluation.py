"""Everything that the predictions say about the models, in one record: the stage writes it, the report shows it."""

from collections.abc import Callable
from typing import NamedTuple

import pandas as pd

from hohoho.inference.table import models_in
from hohoho.scores.bleeds import smoothing_counts
from hohoho.scores.calibration import calibration_record
from hohoho.scores.curves import all_curves
from hohoho.scores.details import all_details
from hohoho.scores.headline import headline
from hohoho.scores.operating_points import operating_points
from hohoho.scores.predictions import Fitted, ModelPredictions, model_predictions
from hohoho.scores.scan_probability import scan_record
from hohoho.scores.scans import Settings, true_scan_scores
from hohoho.scores.subgroups import slice_groups, subgroups
from hohoho.scores.truth import Truth, refuse_nan, truth_of
from hohoho.scores.worst_slices import worst_slices

OF_ALL_MODELS = ("precision_recall", "roc", "reliability")


class Evaluation(NamedTuple):
    """The scores of a row. `score` is {"value", "low", "high", "patients"}: its 95 % interval, and how many carry it.

    Anything undefined or unknown is None (null in JSON): a split without labels, a class without positives, an interval
    of the training split, with `evaluate.bootstrap: 0`, or that hohoho.scores.bootstrap.interval refuses. `any` is the
    sixth class, see hohoho.inference.table. Models are "cnn" and, where trained, "cnn_lstm", the row's own model.

    headline: metrics/scores.json, at most 30 numbers.
        f2: {train, val, test} micro F2 of the row's own model · f2_val_interval, f2_test_interval: {low, high}
        cnn, cnn_lstm: {f2_train, f2_val, f2_test, precision_test, recall_test, auroc_test (macro)}
        lstm_gain: {f2_test, low, high} cnn_lstm - cnn, paired (absent where there is no LSTM)
        all_positive: {train, val, test} · scan_test: {any_auroc, any_sensitivity, any_specificity} by the scan's
            own probability, at 95 % sensitivity on validation
        calibration_test: {ece, any_ece} calibrated, of the five classes and of any
    details: metrics/details.json.
        settings: {threshold, smoothing, resamples, seed, interval} · own_model: its name
        data: {split: {patients, studies, slices, labelled, positives: {class: n}, all_positive_f2}}
        slices: {model: {split: {class | micro | macro: {name: score}}}}; names as in hohoho.scores.measures.SCORES;
            micro also has rsna_log_loss and rsna_log_loss_calibrated
        scans: {model: {split: {max | sensitivity_95 | youden: {class | micro | macro: the same scores}}}}: by the
            maximum, and by the scan's own probability from two thresholds up; recall is sensitivity
        scan_calibration: {model: {split: {class | any: {ece, brier, log_loss}}}} of the scans' own probabilities
        answers: {model: {limits, counts: {split: {bleed | none: {answer: scans}}}}}, see hohoho.scores.three_answers
        true_scans: as scans[own_model][shown]["max"], against labels without errors; None where nobody knows them
        lstm_gain: {split: {class | micro | macro: {name: score}}} cnn_lstm - cnn on slices, paired; {} without an LSTM
        lstm_gain_at_best_f2: {split: micro F2} the same, each model at its own best threshold on validation; {} …
        operating_points: {model: {point: {class: threshold}}}
        calibration: {model: {split: {class | any | micro: {ece_raw, ece_calibrated, brier_raw, brier_calibrated}}}}
        erased_bleeds: {model: [{split, study, index, class}]} true single-slice bleeds that smoothing would erase
    curves: by name. metrics/tables/: precision_recall, roc, reliability of all models and splits. metrics/plots/:
        f2_per_class, operating_points, and of the own model on the split shown own_precision_recall (recall,
        precision), own_roc (false_positive_rate, true_positive_rate), on test own_reliability (predicted, observed).
    subgroups: one row per `model` and group (columns in hohoho.scores.subgroups) on the split shown. metrics/tables/
        has it as it is, metrics/plots/ that of the own model.
    worst: the worst misses and false alarms (columns in hohoho.scores.worst_slices), by the own model on that split.
    smoothing: `case`, `model`, `split` and the columns of hohoho.scores.bleeds.smoothing_counts.
    calibration: models/calibration.json: {formula, threshold, smoothing, models: {model: {fitted_slices, positives:
        {class: n}, temperature: {class: T}, bias: {class: b}, threshold: {class: calibrated value of the raw one}}},
        scans: {model: the scan's model, its thresholds and the limits of its three answers}}.
    own: the own model's probabilities and decisions, of every slice.
    shown: the split shown, see hohoho.slices.split.shown_split.
    """

    headline: dict
    details: dict
    curves: dict[str, pd.DataFrame]
    subgroups: pd.DataFrame
    worst: pd.DataFrame
    smoothing: pd.DataFrame
    calibration: dict
    own: ModelPredictions
    shown: str

    def plots(self) -> dict[str, pd.DataFrame]:
        """The tables of metrics/plots/ by name: what DVC draws of the own model."""
        drawn = {name: table for name, table in self.curves.items() if name not in OF_ALL_MODELS}
        return drawn | {"subgroups": self.own_subgroups(), "smoothing": self.smoothing}

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables of metrics/tables/ by name: curves and subgroups of all models."""
        return {name: self.curves[name] for name in OF_ALL_MODELS} | {"subgroups": self.subgroups}

    def own_subgroups(self) -> pd.DataFrame:
        """The groups of the own model alone."""
        own = self.subgroups["model"] == self.details["own_model"]
        return self.subgroups[own].drop(columns="model").reset_index(drop=True)


def evaluate(
    table: pd.DataFrame,
    studies: pd.DataFrame,
    settings: Settings,
    true_labels: Callable | None = None,
    fitted: dict[str, Fitted] | None = None,
) -> Evaluation:
    """All scores of a prediction table (see hohoho.inference.table), with the study table beside it.

    true_labels: rows of the table → their (rows, 5) labels without errors, where somebody knows them. fitted: model →
    how its outputs are read, where validation is not to tell.
    Raises `InputError` for a probability that is NaN, before any score.
    """
    refuse_nan(table)
    truth = truth_of(table, studies)
    fitted = fitted or {}
    models = {m: model_predictions(truth, m, settings.threshold, fitted.get(m)) for m in models_in(table)}
    points = {model: operating_points(truth, predictions, settings.threshold) for model, predictions in models.items()}
    details = all_details(truth, models, points, settings)
    own, shown = models[details["own_model"]], truth.shown()
    details["true_scans"] = true_scan_scores(truth, own, settings, shown, true_labels) if true_labels else None
    rows, resampling = truth.rows[shown], settings.resampling(shown)
    limits = {model: of["limits"] for model, of in details["answers"].items()}
    scans = {m: scan_record(each.fitted.scan_model) | {"answers": limits[m]} for m, each in models.items()}
    of_slices = {m: each.fitted.calibration for m, each in models.items()}
    part, groups = table.iloc[rows], slice_groups(table, studies).iloc[rows]
    decided = {m: (each.raw[rows], each.predicted(settings.smoothing)[rows]) for m, each in models.items()}
    by_model = {m: subgroups(part, groups, *answers, resampling) for m, answers in decided.items()}
    raw, positive = decided[details["own_model"]]
    return Evaluation(
        headline(details),
        details,
        all_curves(truth, models, points, details),
        pd.concat(by_model, names=["model"]).reset_index("model").reset_index(drop=True),
        worst_slices(part, raw, own.calibrated[rows], positive),
        smoothing_table(truth, models, settings),
        calibration_record(of_slices, settings.threshold, settings.smoothing) | {"scans": scans},
        own,
        shown,
    )


def smoothing_table(truth: Truth, models: dict[str, ModelPredictions], settings: Settings) -> pd.DataFrame:
    """What smoothing would do, per model, split and class."""
    counts = {}
    for model, predictions in models.items():
        for split in truth.labelled():
            rows = truth.rows[split]
            before, after = predictions.positive[rows], predictions.smoothed[rows]
            counts[model, split] = smoothing_counts(truth.table.iloc[rows], before, after, settings.resampling(split))
    if not counts:
        return pd.DataFrame(columns=["case", "model", "split", "class"])
    table = pd.concat(counts, names=["model", "split"]).reset_index(["model", "split"])
    table.insert(0, "case", table["model"] + " " + table["split"] + " " + table["class"])
    return table.reset_index(drop=True)
