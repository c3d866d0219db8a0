"""Who stacks with whom, which label counts, and the training set's statistics; no pixel is copied."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from hohoho.errors import InputError
from hohoho.files import write_json, write_parquet
from hohoho.labels import LABELS
from hohoho.slices.split import CALIBRATION, SPLITS, UNLABELLED
from hohoho.slices.store import SCAN_ANY, SCAN_LABELS, adjacent_runs, is_labelled

FEWEST_SLICES = {"train": 2, "val": 1}  # batch normalisation cannot train on one
STACK_COLUMNS = ["study", "patient", "split", "below", "above", *LABELS]


class Statistics(NamedTuple):
    """What training needs to know of the training split."""

    mean: list[float]  # per channel, of the [0, 1] image
    std: list[float]  # per channel
    pos_weight: list[float]  # negatives per positive, in label order


def neighbours(runs: list[slice]) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the slice below and the slice above, the slice itself standing in at scan ends and missing slices.

    runs: of adjacent slices, foot to head, all rows in order.
    """
    rows = np.arange(runs[-1].stop)
    below, above = rows - 1, rows + 1
    below[[run.start for run in runs]] += 1
    above[[run.stop - 1 for run in runs]] -= 1
    return below, above


def spread_scan_labels(slices: pd.DataFrame, studies: pd.DataFrame) -> pd.DataFrame:
    """The slice table with the label of its scan on every slice that has none of its own.

    Multiple-instance learning in its simplest form, each instance inheriting its bag's label: right for every slice of
    a negative scan, too much for the slices of a positive one that show no blood. For training only.
    """
    own = slices[LABELS]
    of_scan = studies.set_index("study").loc[slices["study"], SCAN_LABELS].to_numpy()
    return slices.assign(**dict(zip(LABELS, np.where(own.isna(), of_scan, own).T, strict=True)))


def labelled_patients(slices: pd.DataFrame, studies: pd.DataFrame) -> list[str]:
    """The patients with a slice whose five labels are known; beside them, those of whose scan any bleed is known.

    The latter count where scans are scored for any bleed, and train nothing. Empty where no slice is labelled.
    """
    patients = set(slices.loc[is_labelled(slices), "patient"])
    return sorted(patients | set(studies.loc[studies[SCAN_ANY].notna(), "patient"]) if patients else patients)


def stack_table(slices: pd.DataFrame, split: pd.Series) -> pd.DataFrame:
    """One row per slice of the store, in its order: neighbours, split and the five targets (NaN where unlabelled)."""
    table = slices[["study", "patient", *LABELS]].copy()
    table["split"] = slices["patient"].map(split).fillna(UNLABELLED)
    table["below"], table["above"] = neighbours(adjacent_runs(slices))
    return table[STACK_COLUMNS]


def channel_rows(table: pd.DataFrame, channels: int) -> np.ndarray:
    """(slices, channels) store rows of each slice's channels: three are (l-1, l, l+1), one is l alone."""
    rows = np.arange(len(table))
    return np.stack([table["below"], rows, table["above"]], axis=1) if channels == 3 else rows[:, None]


def labelled_rows(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """Split → the rows of its slices with all five labels, maybe none. table: slices with split and labels."""
    known = is_labelled(table)
    return {split: np.flatnonzero(known & (table["split"] == split).to_numpy()) for split in SPLITS}


def refuse_few_slices(table: pd.DataFrame) -> None:
    """Raise `InputError` where too few slices are labelled to train on or to choose by. table: as of `stack_table`."""
    for split, rows in labelled_rows(table).items():
        if len(rows) < (least := FEWEST_SLICES.get(split, 0)):
            raise InputError(
                f"{len(rows)} labelled slices are in {split}, at least {least} are needed: label more patients, or "
                "change split.seed, split.val_fraction or stack.subset"
            )


def training_set_statistics(pixels, rows: np.ndarray, batch: int = 512) -> tuple[list[float], list[float]]:
    """The training set's own mean and standard deviation per channel, of the [0, 1] image.

    pixels: the slice store's uint8 pixels; rows: (slices, channels) of the training slices. The poster's "magic
    normalization" is not defined there; it is read as this.
    """
    wanted = np.unique(rows)
    moments = np.zeros((wanted.max() + 1, 2))
    for start in range(0, len(wanted), batch):
        part = wanted[start : start + batch]
        images = pixels.take(part).astype(np.float64) / 255
        moments[part] = np.stack([images.mean((1, 2)), (images**2).mean((1, 2))], axis=1)
    mean, mean_square = moments[rows].mean(axis=0).T
    return mean.tolist(), np.sqrt(mean_square - mean**2).tolist()


def positive_weights(targets: np.ndarray) -> list[float]:
    """Negatives per positive and class, counted as one where there is none: no class weighs nothing.

    A class without positives weighs 1. targets: (slices, 5), NaN ignored.
    """
    positive, known = np.nansum(targets, axis=0), np.isfinite(targets).sum(axis=0)
    return np.where(positive > 0, np.maximum(known - positive, 1) / np.maximum(positive, 1e-9), 1.0).tolist()


def write_stacks(folder: Path, table: pd.DataFrame, statistics: Statistics) -> None:
    """Write the stack table and the statistics."""
    folder.mkdir(parents=True, exist_ok=True)
    write_parquet(folder / "stacks.parquet", table)
    write_json(folder / "statistics.json", statistics._asdict())


def read_stacks(folder: Path) -> pd.DataFrame:
    """The stack table; its row i is row i of the slice store."""
    return pd.read_parquet(folder / "stacks.parquet")


def read_statistics(folder: Path) -> Statistics:
    """The training split's statistics."""
    return Statistics(**json.loads((folder / "statistics.json").read_text()))


def write_pretraining(folder: Path, table: pd.DataFrame, statistics: Statistics) -> None:
    """Write what SimCLR reads of the stacks: no label, so that no other choice of labels makes it run anew."""
    folder.mkdir(parents=True, exist_ok=True)
    kept_out = table["split"].where(table["split"].isin([CALIBRATION, "test"]), "")
    write_parquet(folder / "slices.parquet", table[["study", "below", "above"]].assign(kept_out=kept_out))
    write_json(folder / "normalization.json", {"mean": statistics.mean, "std": statistics.std})


def read_pretraining(folder: Path) -> tuple[pd.DataFrame, dict[str, list[float]]]:
    """Slices in the order of the store – study, below, above; kept_out: "test", "calibration" or "" – and mean, std."""
    return pd.read_parquet(folder / "slices.parquet"), json.loads((folder / "normalization.json").read_text())
