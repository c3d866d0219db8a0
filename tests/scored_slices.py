"""Made-up predictions to be scored: scans of patients, bleeds as runs of slices, models that know something of them."""

import numpy as np
import pandas as pd

from hohoho.inference.table import prediction_table
from hohoho.labels import LABELS


def scans(patients: int, seed: int = 0, slices: int = 12) -> pd.DataFrame:
    """A slice table: one scan a patient, every tenth patient two, of `slices` slices more or less."""
    rng, parts = np.random.default_rng(seed), []
    for patient in range(patients):
        for number in range(1 + (patient % 10 == 0)):
            length = slices + int(rng.integers(-2, 3))
            labels = np.zeros((length, len(LABELS)), np.float32)
            for column in np.flatnonzero(rng.random(len(LABELS)) < 0.4):
                start = rng.integers(0, length)
                labels[start : start + rng.integers(1, 6), column] = 1
            own = {"study": f"s{patient:04d}{number}", "patient": f"p{patient:04d}", "index": np.arange(length)}
            own |= {"position_mm": 5.0 * np.arange(length), "level": np.arange(length)[::-1], "missing_before": False}
            parts.append(pd.DataFrame(own | dict(zip(LABELS, labels.T, strict=True))))
    return pd.concat(parts, ignore_index=True)


def guesses(table: pd.DataFrame, skill: float, seed: int) -> np.ndarray:
    """(slices, 5) float32 probabilities that know the truth the better, the larger `skill` is."""
    targets = table[LABELS].fillna(0).to_numpy()
    noise = np.random.default_rng(seed).normal(size=targets.shape)
    return (1 / (1 + np.exp(-(skill * (targets - 0.5) + noise)))).astype(np.float32)


def predictions(patients: int, seed: int = 0, models: tuple[str, ...] = ("cnn", "cnn_lstm")) -> pd.DataFrame:
    """A prediction table in three splits, parted by patient."""
    table = scans(patients, seed)
    split = table["patient"].str[1:].astype(int) % 3
    probabilities = {model: guesses(table, 1.0 + number, seed + number) for number, model in enumerate(models)}
    return prediction_table(table, split.map({0: "train", 1: "val", 2: "test"}), probabilities)


def studies_of(table: pd.DataFrame) -> pd.DataFrame:
    """A study table to go with it."""
    studies = table.groupby("study", as_index=False)[["patient"]].first()
    number = np.arange(len(studies))
    return studies.assign(
        thickness_mm=np.where(number % 2, 5.0, 1.0),
        tilt_deg=np.where(number % 3, 0.0, -15.0),
        kernel=np.where(number % 2, "SOFT", "H30s"),
        manufacturer=np.where(number % 5, "ACME", None),
        age_band="60-69",
        sex=np.where(number % 2, "F", "M"),
    )
