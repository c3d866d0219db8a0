"""Figure 5: the embeddings of each split on one t-SNE map, coloured by how far below the vertex a slice lies."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.linear_model import Ridge
from sklearn.manifold import TSNE
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from hohoho.figures.drawn import Drawn
from hohoho.figures.run import SEED, Run
from hohoho.figures.style import LEVEL_COLOURS, SMALL_PT, TEXT_PT, bare, canvas, note
from hohoho.slices.split import SPLITS

TITLE = "Figure 5 · The embedding orders slices by level, although nobody told the network"
MAX_MAPPED, MIN_MAPPED = 400, 10  # slices per split, and on the whole map
MAX_PROBED = 20_000  # slices per split: enough for 512 features, and it fits in memory for any data set
PERPLEXITY = 30.0


def draw(run: Run) -> Drawn:
    """The map, and how well a linear probe reads the level off the embedding."""
    split, level = run.stacks["split"].to_numpy(), run.slices["level"].to_numpy()
    probe = level_probe(run.embeddings, level, split, SEED)
    rows = np.concatenate([sample(split, name, MAX_MAPPED, SEED) for name in SPLITS])
    r2 = ", ".join(f"{row.r2:.2f} on {row.split}" for row in probe.itertuples() if np.isfinite(row.r2))
    caption = f"t-SNE of the embeddings. A linear probe, fitted on train, predicts the level with R² {r2 or '–'}."
    if len(rows) < MIN_MAPPED:
        figure = note(TITLE, f"Only {len(rows)} slices: too few for a map.")
    else:
        figure = plot(project(run.embeddings[rows], SEED), level[rows], split[rows], probe)
    return Drawn(figure, caption, {"level_probe": probe})


def sample(split: np.ndarray, name: str, most: int, seed: int) -> np.ndarray:
    """At most `most` rows of the split `name`, in their order; the same seed takes the same."""
    rows = np.flatnonzero(split == name)
    return rows if len(rows) <= most else np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def level_probe(embeddings: np.ndarray, level: np.ndarray, split: np.ndarray, seed: int) -> pd.DataFrame:
    """R² of a ridge regression of the level (slices from the vertex) on the embedding, fitted on train.

    embeddings: (slices, features); level, split: (slices,). One row per split: split, slices, r2 (NaN below 2).
    """
    rows = {name: sample(split, name, MAX_PROBED, seed) for name in SPLITS}
    r2 = dict.fromkeys(SPLITS, np.nan)
    if len(rows["train"]) > 1:
        features = {name: embeddings[r].astype(np.float64) for name, r in rows.items()}
        probe = make_pipeline(StandardScaler(), Ridge(alpha=1.0)).fit(features["train"], level[rows["train"]])
        r2 |= {name: probe.score(features[name], level[r]) for name, r in rows.items() if len(r) > 1}
    return pd.DataFrame([{"split": name, "slices": len(r), "r2": np.round(r2[name], 4)} for name, r in rows.items()])


def project(embeddings: np.ndarray, seed: int) -> np.ndarray:
    """(n, 2) t-SNE coordinates (van der Maaten, Hinton 2008); one thread, so that the same seed gives the same map."""
    perplexity = min(PERPLEXITY, (len(embeddings) - 1) / 3)
    with threadpool_limits(1):
        return TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(np.asarray(embeddings))


def plot(points: np.ndarray, level: np.ndarray, split: np.ndarray, probe: pd.DataFrame) -> Figure:
    """points: (n, 2); level, split: (n,). probe: the table of `level_probe`, its R² written above each split."""
    figure = canvas(3.7, TITLE)
    panels = figure.subplots(1, len(SPLITS), sharex=True, sharey=True)
    r2 = probe.set_index("split")["r2"]
    for axes, name in zip(panels, SPLITS, strict=True):
        own = split == name
        dots = axes.scatter(*points[own].T, c=level[own], s=7, cmap=LEVEL_COLOURS, vmin=0, vmax=max(1, level.max()))
        bare(axes)
        axes.set_title(f"{name}: {own.sum()} slices, R² = {r2[name]:.2f}", size=TEXT_PT)
        axes.set_xlabel("t-SNE 1", size=SMALL_PT)
    panels[0].set_ylabel("t-SNE 2", size=SMALL_PT)
    bar = figure.colorbar(dots, ax=list(panels), shrink=0.85, pad=0.01)
    bar.set_label("level (slices below the vertex)", size=TEXT_PT)
    bar.ax.tick_params(labelsize=SMALL_PT)
    bar.ax.invert_yaxis()  # the vertex on top
    return figure
