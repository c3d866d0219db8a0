"""How the scans differ from those that the models were trained on."""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import wasserstein_distance

from hohoho.adopt.scans import LabelledScans
from hohoho.inference.familiar import FAR
from hohoho.labels import LABELS
from hohoho.predict.models import Models
from hohoho.scores.subgroups import FEWEST_PATIENTS
from hohoho.slices.store import is_labelled

UNKNOWN = "unknown"


class Shift(NamedTuple):
    """One property, there and here."""

    what: str
    training: str
    here: str


def shifts(models: Models, here: LabelledScans, slices: pd.DataFrame, trained: dict | None) -> list[Shift]:
    """A line per property.

    slices: with labels. trained: details["data"]["train"] of the training run, where the package has it.
    """
    familiar, studies, window = models.familiar, here.studies, models.window
    steps, (least, largest) = studies["gap_mm_median"].dropna(), familiar.step_mm
    far, middle = np.mean(here.distances > familiar.farthest), np.median(here.distances)
    moved = grey_distance_hu(familiar.grey_shares, here.grey_shares, window)
    mean = [mean_hu(shares, window) for shares in (familiar.grey_shares, here.grey_shares)]
    lines = [
        Shift("distance of the embeddings, median", f"{familiar.distances[50]:.2f}", f"{middle:.2f}"),
        Shift("scans farther than 99 % of training", f"{1 - FAR:.0%}", f"{far:.0%}"),
        Shift("mean HU within the window", f"{mean[0]:.1f}", f"{mean[1]:.1f}"),
        Shift("HU to move from histogram to histogram (Wasserstein)", "0", f"{moved:.1f}"),
        Shift("from slice to slice, mm", f"{least:.1f} to {largest:.1f}", f"{steps.min():.1f} to {steps.max():.1f}"),
        Shift("kernels", _listed(familiar.kernels), _counted(studies, "kernel", familiar.kernels)),
        Shift(
            "makers of scanners",
            _listed(familiar.manufacturers),
            _counted(studies, "manufacturer", familiar.manufacturers),
        ),
    ]
    known = slices.loc[is_labelled(slices), LABELS]
    if trained and trained["labelled"] and len(known):
        for label in LABELS:
            share = trained["positives"][label] / trained["labelled"]
            lines.append(Shift(f"slices with {label}", f"{share:.1%}", f"{known[label].mean():.1%}"))
    return lines


def grey_distance_hu(one: np.ndarray, other: np.ndarray, window: tuple[float, float]) -> float:
    """Wasserstein distance, HU, of two (256,) histograms; what lies outside the window is left out."""
    hu, inside = _levels_hu(window), slice(1, -1)
    return float(wasserstein_distance(hu[inside], hu[inside], one[inside], other[inside]))


def mean_hu(shares: np.ndarray, window: tuple[float, float]) -> float:
    """Mean HU of the pixels within the window."""
    return float(np.average(_levels_hu(window)[1:-1], weights=shares[1:-1]))


def _levels_hu(window: tuple[float, float]) -> np.ndarray:
    center, width = window
    return center - width / 2 + np.arange(256) / 255 * width


def _listed(names: Collection[str]) -> str:
    return ", ".join(names) or UNKNOWN


def _counted(studies: pd.DataFrame, column: str, trained: Collection[str]) -> str:
    """Every name with its scans, those new to the models marked; names of few patients are not told."""
    named = studies.assign(name=studies[column].fillna(UNKNOWN))
    counts = named.groupby("name").agg(scans=("study", "size"), patients=("patient", "nunique"))
    few = counts["patients"] < FEWEST_PATIENTS
    told = [
        f"{name}{'' if name in trained or name == UNKNOWN else ' (new)'}: {n}"
        for name, n in counts[~few]["scans"].items()
    ]
    return ", ".join(told + ([f"of few patients each: {counts[few]['scans'].sum()}"] if few.any() else []))
