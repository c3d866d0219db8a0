"""How often a 95 % interval holds the truth, by how many patients carry the score. No data needed: patients are drawn.

    uv run python benchmarks/coverage.py [--data-sets 400] [--out docs/results/coverage.csv]

Patients differ in how large their bleeds are and in how well they are read. Of 60 patients (more, where more carry)
some have the class, the others do not. `macro recall` is the mean of five classes, four of them carried by 30 patients.
The truth is the score of 20,000 such patients. MIN_PATIENTS of hohoho.scores.bootstrap was set by this table.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from hohoho.scores import bootstrap
from hohoho.scores.bootstrap import Resampling, interval, resample_weights, unit_weights
from hohoho.scores.measures import count_scores, rank_scores, weighted_counts

CARRIERS = (1, 4, 8, 12, 20, 40, 80)
PATIENTS, SLICES, FREQUENT, RESAMPLES = 60, 20, 30, 400


def draw(rng: np.random.Generator, bleeding: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(patients × SLICES, classes) truth and probabilities. bleeding: (patients, classes) bool: who has which class."""
    length, start = rng.integers(1, 11, bleeding.shape), rng.integers(0, SLICES - 10, bleeding.shape)
    place = np.arange(SLICES)[None, :, None]
    targets = (place >= start[:, None]) & (place < (start + length)[:, None]) & bleeding[:, None]
    easy = rng.normal(1.0, 1.0, (len(bleeding), 1, bleeding.shape[1]))  # how far a patient's bleeds stand out
    restless = rng.normal(-1.2, 0.6, easy.shape)  # how much all else looks like one
    logits = np.where(targets, easy, restless) + 0.7 * rng.normal(size=targets.shape)
    return targets.reshape(-1, targets.shape[2]), (1 / (1 + np.exp(-logits))).reshape(-1, targets.shape[2])


def scores(targets: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Those of the first class, and the macro recall; one value per row of weights."""
    patient_index = np.repeat(np.arange(weights.shape[1]), SLICES)
    counted = count_scores(weighted_counts(targets, probabilities >= 0.5, patient_index, weights))
    first = {name: values[:, 0] for name, values in counted.items()}
    ranked = rank_scores(targets[:, 0], probabilities[:, 0], patient_index, weights)
    return first | ranked | {"macro recall": np.nanmean(counted["recall"], axis=1)}


def coverage(carriers: int, data_sets: int) -> dict[str, float]:
    """Share of the data sets whose interval holds the truth, of those that have one."""
    patients = max(PATIENTS, carriers + PATIENTS // 2)
    bleeding = np.arange(patients)[:, None] < [carriers, *[FREQUENT] * 4]
    many = np.tile(bleeding, (20_000 // patients, 1))
    rng = np.random.default_rng(carriers)
    truth = scores(*draw(rng, many), unit_weights(len(many)))
    hits = {name: [] for name in truth}
    for number in range(data_sets):
        resampled = scores(*draw(rng, bleeding), resample_weights(patients, Resampling(RESAMPLES, number)))
        for name, values in resampled.items():
            low, high = interval(values, carriers)
            if np.isfinite(low):
                hits[name].append(low <= truth[name][0] <= high)
    return {name: np.mean(hit) if hit else np.nan for name, hit in hits.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-sets", type=int, default=400)
    parser.add_argument("--out", type=Path, default=sys.stdout)
    options, bootstrap.MIN_PATIENTS = parser.parse_args(), 0
    lines = [{"patients that carry it": carriers} | coverage(carriers, options.data_sets) for carriers in CARRIERS]
    pd.DataFrame(lines).round(4).to_csv(options.out, index=False)


if __name__ == "__main__":
    main()
