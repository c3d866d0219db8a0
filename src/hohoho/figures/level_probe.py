"""Does the embedding know how high in the head a slice lies? A linear probe's answer, as R²."""

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from hohoho.slices.split import SPLITS

MOST_SLICES = 20_000  # per split: enough for 512 features, and it fits in memory for any data set


def sample(rows: np.ndarray, most: int, seed: int) -> np.ndarray:
    """At most `most` of the rows, sorted; the same seed takes the same."""
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def level_probe(embeddings: np.ndarray, level: np.ndarray, split: np.ndarray, seed: int) -> pd.DataFrame:
    """R² of a ridge regression of the level (slices from the vertex) on the embedding, fitted on train.

    embeddings: (slices, features); level, split: (slices,). One row per split: split, slices, r2 (NaN below 2).
    """
    rows = {name: sample(np.flatnonzero(split == name), MOST_SLICES, seed) for name in SPLITS}
    if len(rows["train"]) < 2:
        r2 = dict.fromkeys(SPLITS, np.nan)
    else:
        known = {name: embeddings[r].astype(np.float64) for name, r in rows.items()}
        probe = make_pipeline(StandardScaler(), Ridge(alpha=1.0)).fit(known["train"], level[rows["train"]])
        r2 = {name: probe.score(known[name], level[r]) if len(r) > 1 else np.nan for name, r in rows.items()}
    return pd.DataFrame([{"split": name, "slices": len(r), "r2": np.round(r2[name], 4)} for name, r in rows.items()])
