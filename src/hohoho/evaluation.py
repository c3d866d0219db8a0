"""Everything that the predictions say about the models, in one record: the stage writes it, the report shows it."""

from typing import NamedTuple

import pandas as pd


class Evaluation(NamedTuple):
    """The scores of a row. `score` is {"value", "low", "high"}: a number and its 95 % interval over patients.

    Anything undefined or unknown is None (null in JSON): a split without labels, a class without positives, an interval
    of the training split or with `evaluate.bootstrap: 0`. `any` is the sixth class: the largest of the five.
    Models are "cnn" and, where trained, "cnn_lstm"; the row's own model is the last of them.

    headline: metrics/scores.json, at most 30 numbers.
        f2: {train, val, test} micro F2 of the row's own model · f2_test_interval: {low, high}
        cnn, cnn_lstm: {f2_train, f2_val, f2_test, precision_test, recall_test, auroc_test (macro)}
        lstm_gain: {f2_test, low, high} cnn_lstm - cnn, paired (absent where there is no LSTM)
        all_positive: {train, val, test} · scan_test: {any_auroc, any_sensitivity, any_specificity} by the maximum
        calibration_test: {ece_raw, ece_calibrated}
    details: metrics/details.json.
        settings: {threshold, smoothing, resamples, seed, interval} · own_model: its name
        data: {split: {patients, studies, slices, labelled, positives: {class: n}}}
        slices: {model: {split: {class | micro | macro: {f2, precision, recall, specificity, average_precision, auroc:
                 score}, rsna_log_loss: score}}}
        scans: {model: {split: {max | noisy_or: {class: the same scores}}}}
        lstm_gain: {split: {class | micro | macro: {name: score}}} differences, paired
        operating_points: {model: {point: {class: threshold}}}
        calibration: {model: {split: {class | micro: {ece_raw, ece_calibrated, brier_raw, brier_calibrated}}}}
        erased_bleeds: {model: [{split, study, index, class}]} true single-slice bleeds that smoothing would erase
    curves: metrics/plots/<name>.csv by name: precision_recall, roc, reliability, f2_per_class, operating_points.
    subgroups: one row per group (columns in hohoho.subgroups), by the row's own model.
    worst: the worst slice of each of the worst scans (columns in hohoho.worst_slices); `row` counts in the slice table.
    smoothing: one row per model, split and class (columns in hohoho.smoothing_counts).
    calibration: models/calibration.json: {threshold, models: {model: {fitted_slices, temperature: {class: T},
        bias: {class: b}, threshold: {class: calibrated value of the raw threshold}}}}.
    """

    headline: dict
    details: dict
    curves: dict[str, pd.DataFrame]
    subgroups: pd.DataFrame
    worst: pd.DataFrame
    smoothing: pd.DataFrame
    calibration: dict


def evaluate(
    table: pd.DataFrame, studies: pd.DataFrame, threshold: float, smoothing: bool, resamples: int, seed: int
) -> Evaluation:
    """All scores of a prediction table (see hohoho.predictions) with the study table beside it.

    threshold: of the raw probability; smoothing: of the answers; resamples: of the bootstrap over patients, 0 = none.
    Raises `InputError` for a probability that is NaN, before any score.
    """
    raise NotImplementedError
