"""New calibration, thresholds and limits for scans unlike those of training; the models stay as they are."""

import numpy as np
import pandas as pd

from hohoho.inference.table import models_in, probabilities_of
from hohoho.scores.calibration import Calibration, fit_calibration
from hohoho.scores.operating_points import best_f2_threshold, printed_threshold
from hohoho.scores.predictions import Fitted, model_predictions, read_fitted, with_scans
from hohoho.scores.scan_probability import ScanModel
from hohoho.scores.scans import Settings, scan_limits
from hohoho.scores.truth import Truth, truth_of


def recalibrate(table: pd.DataFrame, studies: pd.DataFrame, record: dict, settings: Settings) -> dict[str, Fitted]:
    """Model → how its outputs are read here: calibrated on the split val, limits from the split calibration.

    table: predictions; record: of the package, which stays where a class cannot be fitted here.
    """
    truth = truth_of(table, studies)
    return {model: _fitted(truth, model, read_fitted(record, model), settings) for model in models_in(table)}


def new_threshold(table: pd.DataFrame, studies: pd.DataFrame, model: str) -> float | None:
    """The raw threshold of slices that gives the best F2 on val; None where no slice with a bleed is labelled there."""
    truth = truth_of(table, studies)
    raw = probabilities_of(table, model)[truth.rows["val"]]
    best = best_f2_threshold(truth.targets("val").ravel(), raw.ravel().astype(np.float64))
    return None if best is None else printed_threshold(best)


def _fitted(truth: Truth, model: str, old: Fitted, settings: Settings) -> Fitted:
    raw = probabilities_of(truth.table, model).astype(np.float64)
    here = fit_calibration(truth.targets("val"), raw[truth.rows["val"]])
    known = here.fitted
    kept = [np.where(known, *both) for both in zip(here[:3], old.calibration[:3], strict=True)]
    fitted = with_scans(truth, model, Calibration(*kept, here.slices))
    fitted = fitted._replace(scan_model=_with_old(fitted.scan_model, old.scan_model))
    predictions = model_predictions(truth, model, settings.threshold, fitted)
    return fitted._replace(limits=scan_limits(truth, predictions, settings))


def _with_old(here: ScanModel, old: ScanModel) -> ScanModel:
    """The old scan model in the classes that could not be fitted here."""
    known = np.isfinite(here.temperature)
    thresholds = {name: np.where(known, here.thresholds[name], old.thresholds[name]) for name in here.thresholds}
    values = (np.where(known, *both) for both in zip(here[:2], old[:2], strict=True))
    return ScanModel(*values, thresholds, here.scans)
