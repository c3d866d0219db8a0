"""How to make one probability of a scan out of its slices: the aggregations compared on validation scans.

    PYTHONPATH=src python benchmarks/scan_probability.py seed0/predictions.parquet seed1/predictions.parquet …

Each file is data/predictions.parquet of a run. Per run and model, on the validation scans: the aggregation's AUROC, and
the log loss (nat) of its calibrated probability on scans of patients that it was not fitted on (ten folds of patients).
Mean and standard deviation over the runs, of any bleed and of the mean over the five classes. `raw max` is the largest
probability of the scan's slices, uncalibrated as a scan's.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import GroupKFold

from hohoho.inference.table import CLASSES, MODEL_NAMES, models_in
from hohoho.scores.predictions import model_predictions, slice_probabilities
from hohoho.scores.scan_probability import AGGREGATIONS, fit_scans, scan_aggregates
from hohoho.scores.truth import truth_of

FOLDS = 10
RAW = "raw max"


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("predictions", type=Path, nargs="+")
    parser.add_argument("--split", default="val")
    options = parser.parse_args()
    lines = []
    for path in options.predictions:
        truth = truth_of(pd.read_parquet(path), pd.DataFrame(columns=["study"]))
        for model in models_in(truth.table):
            lines += [{"model": MODEL_NAMES[model], **line} for line in compared(truth, model, options.split)]
    table = pd.DataFrame(lines).groupby(["model", "aggregation"], sort=False)
    text = table.agg(lambda values: f"{values.mean():.3f} ± {values.std():.3f}")
    print(f"{len(options.predictions)} runs, {options.split} scans\n{text.to_string()}")


def compared(truth, model: str, split: str) -> list[dict]:
    """A line per aggregation, of one run and model."""
    scans = truth.scan_rows(split)
    targets, patients = truth.scan_targets(split), truth.scans["patient"].to_numpy()[scans]
    said, study = model_predictions(truth, model, 0.5), truth.table["study"].to_numpy()
    values = slice_probabilities(said.raw, said.calibrated)
    aggregates = {name: scan_aggregates(study, values, name)[scans] for name in AGGREGATIONS}
    lines = [line(RAW, targets, aggregates["max"], expit(aggregates["max"]))]
    return lines + [
        line(name, targets, given, held_out(targets, given, patients)) for name, given in aggregates.items()
    ]


def held_out(targets: np.ndarray, aggregates: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """(scans, 6) probabilities by models of the other folds' patients; a class unknown there has its frequency."""
    probabilities = np.empty(targets.shape)
    for fitted, others in GroupKFold(FOLDS).split(targets, groups=patients):
        values = fit_scans(targets[fitted], aggregates[fitted]).probability(aggregates[others])
        probabilities[others] = np.where(np.isfinite(values), values, targets[fitted].mean(axis=0))
    return probabilities


def line(name: str, targets: np.ndarray, ranked: np.ndarray, probabilities: np.ndarray) -> dict:
    """AUROC and log loss of any, and their means over the classes that have both truths."""
    both = [c for c in range(len(CLASSES)) if 0 < targets[:, c].sum() < len(targets)]
    rank = {CLASSES[c]: roc_auc_score(targets[:, c], ranked[:, c]) for c in both}
    loss = {CLASSES[c]: log_loss(targets[:, c], probabilities[:, c], labels=[0, 1]) for c in both}
    scores = {"AUROC any": rank.pop("any"), "AUROC classes": np.mean(list(rank.values()))}
    scores |= {"log loss any": loss.pop("any"), "log loss classes": np.mean(list(loss.values()))}
    return {"aggregation": name, **scores}


if __name__ == "__main__":
    main()
