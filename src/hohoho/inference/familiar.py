"""What the training scans are like, so that a scan unlike them can be told.

A scan's distance from training is the mean Mahalanobis distance of its slices' embeddings (Lee et al. 2018, arXiv
1807.03888), with a shrunk covariance (Ledoit & Wolf 2004) and divided by the root of the dimension, so that training
slices are near 1 at most. It is far where more than FAR of the training scans are nearer, each of them measured by the
covariance of the other patients' scans.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from hohoho.errors import InputError
from hohoho.files import atomic

FAR = 0.99  # of the training scans
FOLDS = 5
LEAST_VARIANCE = 1e-9  # a direction in which training does not vary at all is no reason to be far
BATCH = 512  # slices whose pixels are counted at once
MOST_SLICES = 20_000  # of training that are looked at, whole scans, evenly drawn


class Familiar(NamedTuple):
    """What the training scans are like; NaN and empty where they do not say."""

    center: np.ndarray  # (features,) of the embeddings
    whitening: np.ndarray  # (features, features): (embedding - center) @ whitening has unit covariance
    farthest: float  # distance, see above
    fewest_slices: int
    step_mm: np.ndarray  # (2,) least and largest from slice to slice
    kernels: np.ndarray  # (n,) str
    manufacturers: np.ndarray
    distances: np.ndarray  # (101,) percentiles of the training scans' distances
    grey_shares: np.ndarray  # (256,) of the pixels of training slices, by grey level in the window

    def distance(self, embeddings: np.ndarray) -> float:
        """Of a scan's (slices, features)."""
        return float(_distances(embeddings, self.center, self.whitening).mean())


def familiar(embeddings: np.ndarray, table: pd.DataFrame, studies: pd.DataFrame, pixels: Any) -> Familiar:
    """From (slices, features) embeddings, the stack table beside them, the study table, and the store's pixels."""
    from sklearn.model_selection import GroupKFold  # here and below: a prediction needs none of it, and starts sooner

    rows = _training_rows(table)
    part, known = embeddings[rows].astype(np.float64), table.iloc[rows]
    patients = known["patient"].to_numpy()
    center, whitening = _fitted(part)
    distances = _distances(part, center, whitening)
    if len(set(patients)) >= FOLDS:
        for others, own in GroupKFold(FOLDS).split(part, groups=patients):
            distances[own] = _distances(part[own], *_fitted(part[others]))
    scans = pd.Series(distances).groupby(known["study"].to_numpy())
    of_training = studies[studies["study"].isin(known["study"])]
    steps, of_scans = of_training["gap_mm_median"], scans.mean()
    return Familiar(
        center.astype(np.float32),
        whitening.astype(np.float32),
        float(of_scans.quantile(FAR)),
        int(scans.size().min()),
        np.array([steps.min(), steps.max()]),
        *(np.array(sorted(of_training[name].dropna().unique()), dtype=str) for name in ("kernel", "manufacturer")),
        np.percentile(of_scans, range(101)),
        grey_shares(pixels, rows),
    )


def grey_shares(pixels: Any, rows: np.ndarray) -> np.ndarray:
    """(256,) share of the pixels of these slices at each grey level. pixels: of a slice store."""
    counts = np.zeros(256)
    for start in range(0, len(rows), BATCH):
        counts += np.bincount(pixels.take(rows[start : start + BATCH]).ravel(), minlength=256)
    return counts / counts.sum()


def write_familiar(path: Path, of: Familiar) -> None:
    """Write it; the same values give the same bytes."""
    with atomic(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **of._asdict())


def read_familiar(path: Path) -> Familiar | None:
    """What `write_familiar` wrote; None where the stage evaluate has not run.

    Raises InputError where another version wrote it.
    """
    if not path.is_file():
        return None
    with np.load(path) as stored:
        if missing := set(Familiar._fields) - set(stored):
            raise InputError(
                f"{path} was written by another version (no {', '.join(sorted(missing))}): run `dvc repro`"
            )
        values = {name: stored[name] for name in Familiar._fields}
    return Familiar(**values | {name: values[name].item() for name in ("farthest", "fewest_slices")})


def _training_rows(table: pd.DataFrame) -> np.ndarray:
    """Rows of whole training scans."""
    train = table["split"] == "train"
    studies = table.loc[train, "study"].unique()
    step = -(-int(train.sum()) // MOST_SLICES)
    return np.flatnonzero(train & table["study"].isin(studies[::step]))


def _fitted(embeddings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.covariance import LedoitWolf

    fitted = LedoitWolf().fit(embeddings)
    variances, directions = np.linalg.eigh(fitted.covariance_)
    return fitted.location_, directions / np.sqrt(np.maximum(variances, LEAST_VARIANCE))


def _distances(embeddings: np.ndarray, center: np.ndarray, whitening: np.ndarray) -> np.ndarray:
    return np.sqrt((((embeddings - center) @ whitening) ** 2).mean(axis=1))
