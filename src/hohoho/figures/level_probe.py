"""How well a linear probe reads a slice's level off its embedding, beside two controls that no training has touched."""

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.nn.functional import adaptive_avg_pool2d

from hohoho.figures.run import SEED, Run
from hohoho.inference.embed import embed
from hohoho.models.backbones import SliceClassifier, build_backbone, to_float
from hohoho.slices.batches import ordered_batches, unlabelled_slices
from hohoho.slices.split import SPLITS
from hohoho.slices.stacks import channel_rows

MAX_PROBED = {"train": 1000, "val": 400, "test": 400}  # slices, which the control network embeds in a few seconds
THUMBNAIL_PX = 8
PENALTIES = np.logspace(0, 4, 5)  # of the ridge; the one with the lowest leave-one-out error on train is taken
TRAINED, UNTRAINED, THUMBNAILS = "r2_trained", "r2_untrained", "r2_thumbnails"


def sample(split: np.ndarray, name: str, most: int, seed: int) -> np.ndarray:
    """At most `most` rows of the split `name`, in their order; the same seed takes the same."""
    rows = np.flatnonzero(split == name)
    return rows if len(rows) <= most else np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def probe_run(run: Run) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables of `level_probe` and of `read_levels`, for a run's embeddings and the controls, on the same slices."""
    split, level = run.stacks["split"].to_numpy(), run.slices["level"].to_numpy()
    rows = np.concatenate([sample(split, name, MAX_PROBED[name], SEED) for name in SPLITS])
    untrained, thumbnails = controls(run, rows)
    features = {TRAINED: run.embeddings[rows], UNTRAINED: untrained, THUMBNAILS: thumbnails}
    patients = pd.factorize(run.slices["patient"])[0]
    read = read_levels(features, level[rows], split[rows]).assign(patient=patients[rows])
    return level_probe(read, list(features)), read


def read_levels(features: dict[str, np.ndarray], level: np.ndarray, split: np.ndarray) -> pd.DataFrame:
    """The level (slices from the vertex) that a ridge regression, fitted on train, reads off each kind of features.

    features: name → (slices, n); level, split: (slices,). A row per slice: split, level, and a column for each kind,
    NaN where fewer than 2 slices train.
    """
    train = split == "train"
    read = pd.DataFrame({"split": split, "level": level})
    for name, values in features.items():
        read[name] = np.nan
        if train.sum() > 1:
            probe = make_pipeline(StandardScaler(), RidgeCV(PENALTIES))
            values = values.astype(np.float64)
            read[name] = probe.fit(values[train], level[train]).predict(values)
    return read


def level_probe(read: pd.DataFrame, kinds: list[str]) -> pd.DataFrame:
    """R² of the levels that were read. read: the table of `read_levels`; kinds: its columns of features.

    One row per split: split, slices, and a column for each kind, NaN below 2 slices.
    """
    lines = []
    for name in SPLITS:
        part = read[read["split"] == name]
        known = len(part) > 1 and part[kinds].notna().all(axis=None)
        r2 = {kind: round(r2_score(part["level"], part[kind]), 4) if known else np.nan for kind in kinds}
        lines.append({"split": name, "slices": len(part), **r2})
    return pd.DataFrame(lines)


def controls(run: Run, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of these slices: (n, features) by an untrained network, and (n, channels * THUMBNAIL_PX²) thumbnails of the
    stacks that the network is shown."""
    stacked = channel_rows(run.stacks, run.classifier.settings["channels"])[rows]
    batches = ordered_batches(unlabelled_slices(run.pixels, stacked))
    embeddings, _ = embed(untrained(run.classifier, SEED), batches, run.device)
    thumbnails = [adaptive_avg_pool2d(to_float(images), THUMBNAIL_PX).flatten(1).numpy() for images, _ in batches]
    return embeddings, np.concatenate(thumbnails)


def untrained(trained: SliceClassifier, seed: int) -> SliceClassifier:
    """A network of the same architecture, normalisation and precision, its weights as drawn from the seed."""
    name, channels, precision = (trained.settings[key] for key in ("name", "channels", "precision"))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        backbone = build_backbone(name, channels)
        norm = trained.mean.flatten().tolist(), trained.std.flatten().tolist()
        return SliceClassifier(name, backbone, *norm, dropout=0.0, precision=precision)
