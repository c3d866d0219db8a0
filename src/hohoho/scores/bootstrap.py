"""95 % intervals by the bootstrap over patients.

The slices of a patient resemble each other, so they are not independent witnesses: whole patients are drawn with
replacement, with all their slices (the cluster bootstrap; Field & Welsh 2007, doi 10.1111/j.1467-9868.2007.00593.x).
The interval is the percentile interval. A resample says how often each patient was drawn: as a weight of the patient's
rows, it turns every score into a weighted one.

It needs patients that differ. A recall is carried by the patients with a bleed, a specificity by those without: where
few carry a score, its interval is too narrow, and below MIN_PATIENTS there is none (`benchmarks/coverage.py`: 95 %
intervals of recall hold the truth in 86 % where 4 patients carry it, 91 % where 20 do; of AUROC in 65 % and 87 %).
"""

from typing import NamedTuple

import numpy as np

INTERVAL = 0.95
MIN_PATIENTS = 20  # that carry a score; see above
MIN_DEFINED = 0.5  # of the resamples: below it an interval would describe the lucky ones


class Resampling(NamedTuple):
    """How often patients are drawn anew, and from which seed. The same patients and seed: the same weights."""

    resamples: int  # 0 = no intervals
    seed: int


def resample_weights(patients: int, resampling: Resampling) -> np.ndarray:
    """(resamples, patients) int: how often each was drawn. The same for the same arguments: models can be paired."""
    chances = np.full(patients, 1 / max(patients, 1))
    return np.random.default_rng((resampling.seed, 2)).multinomial(patients, chances, size=resampling.resamples)


def unit_weights(patients: int) -> np.ndarray:
    """(1, patients): the data as they are, in the form of a resample."""
    return np.ones((1, patients), dtype=np.int64)


def sum_by_patient(values: np.ndarray, patient_index: np.ndarray, patients: int) -> np.ndarray:
    """(patients, columns) sums. values: (rows, columns); patient_index: (rows,) in 0..patients - 1."""
    return np.column_stack([np.bincount(patient_index, weights=column, minlength=patients) for column in values.T])


def interval(resampled: np.ndarray, carriers: int) -> tuple[float, float]:
    """The percentile interval of a score over the resamples; NaN where it would promise too much.

    carriers: how many patients carry the score; none below MIN_PATIENTS, nor where most resamples have no score.
    Resamples in which the score is undefined (NaN: no positives drawn) are left out. NaN also where all are equal: that
    every bleed was found says nothing about the next patient's, and 1.0 to 1.0 would claim certainty.
    """
    defined = resampled[np.isfinite(resampled)]
    if (
        carriers < MIN_PATIENTS
        or len(defined) == 0
        or len(defined) < MIN_DEFINED * len(resampled)
        or defined.min() == defined.max()
    ):
        return np.nan, np.nan
    low, high = np.quantile(defined, [(1 - INTERVAL) / 2, (1 + INTERVAL) / 2])
    return float(low), float(high)
