"""The labelled scans as tables: read as ingest reads them, answered by the models, parted by patient."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from hohoho.errors import InputError
from hohoho.inference.familiar import grey_shares
from hohoho.inference.table import prediction_table
from hohoho.ingest.ingest import ingest
from hohoho.machine import cores
from hohoho.predict.models import Models
from hohoho.pseudonyms import PUBLIC_KEY
from hohoho.scores.truth import scan_truth
from hohoho.slices.split import CALIBRATION, UNLABELLED
from hohoho.slices.store import SlicePixels, adjacent_runs, read_slice_table, read_study_table, scan_bounds
from hohoho.sources.readers import READERS
from hohoho.sources.request import Request

RECALIBRATES, TESTS = "val", "test"
PARTS = {RECALIBRATES: 0.6, TESTS: 0.4}
ASIDE = 0.3
PARTS_OF_MANY = {RECALIBRATES: 0.3, CALIBRATION: ASIDE, TESTS: 0.4}  # some kept aside for limits with a guarantee
FEWEST = 5  # patients with a bleed and without


class LabelledScans(NamedTuple):
    """What the models say of every scan, and what is known of it."""

    table: pd.DataFrame  # predictions, a row per slice; `split` is one of PARTS_OF_MANY, or "unlabelled"
    studies: pd.DataFrame  # the study table
    distances: np.ndarray  # (scans,) from the training scans
    grey_shares: np.ndarray  # (256,) share of the pixels at each grey level
    counts: dict  # what ingest read, skipped, repaired and warned of


def read_scans(
    root: Path,
    labels: Path | None,
    source: str,
    models: Models,
    scratch: Path,
    seed: int,
    aside: int,
    progress: bool = True,
) -> LabelledScans:
    """Read and answer all scans of a folder.

    labels: CSV for a folder of DICOM files. scratch: folder for the slices, which names nobody. seed, aside: as of
    `parts`. Raises InputError where the folder is not as its source needs, or too few patients are labelled.
    """
    window = models.window
    request = Request(root.absolute(), labels, window_hu=window, workers=cores(), progress=progress)
    pictures = models.inputs["image_size"], window, PUBLIC_KEY
    report = ingest(READERS[source](request), scratch, *pictures, cores(), progress)
    slices, studies, pixels = read_slice_table(scratch), read_study_table(scratch), SlicePixels(scratch)
    said, distances = [], []
    for rows in tqdm(scan_bounds(slices["study"]), "scans", disable=not progress, unit="scan"):
        part = slices.iloc[rows].reset_index(drop=True)
        raw, embeddings = models.ask(adjacent_runs(part), pixels.take(np.arange(rows.start, rows.stop)))
        said.append(raw)
        distances.append(models.familiar.distance(embeddings))
    raw = {model: np.concatenate([each[model] for each in said]) for model in said[0]}
    table = prediction_table(slices, pd.Series("test", slices.index), raw)
    patients = parts(scan_truth(table, studies), seed, aside)
    table["split"] = table["patient"].map(patients).fillna(UNLABELLED)
    shares = grey_shares(pixels, np.arange(len(pixels)))
    return LabelledScans(table, studies, np.array(distances), shares, report.counts)


def parts(scans: pd.DataFrame, seed: int, aside: int) -> pd.Series:
    """Patient → who recalibrates, who is kept aside, who tests; drawn apart of patients with a bleed and without.

    scans: of `scan_truth`. aside: how many of each a guarantee needs; where they are fewer, nobody is kept aside.
    Raises InputError where either are fewer than FEWEST.
    """
    bleeding = scans.dropna(subset="any").groupby("patient")["any"].max() > 0
    counts = {"with": int(bleeding.sum()), "without": int((~bleeding).sum())}
    if min(counts.values()) < FEWEST:
        raise InputError(
            f"{counts['with']} patients with a bleed and {counts['without']} without are labelled; at least {FEWEST} "
            "of each are needed to test and to recalibrate, and 20 of each for intervals: label more scans"
        )
    rng, chosen = np.random.default_rng(seed), {}
    shares = PARTS_OF_MANY if min(counts.values()) * ASIDE >= aside else PARTS
    ends = np.cumsum(list(shares.values()))[:-1]
    for has_bleed in (True, False):
        patients = rng.permutation(sorted(bleeding.index[bleeding == has_bleed]))
        cuts = np.rint(ends * len(patients)).astype(int)
        for name, members in zip(shares, np.split(patients, cuts), strict=True):
            chosen |= dict.fromkeys(members, name)
    return pd.Series(chosen, dtype=object)
