"""Figure 5: the embeddings of each split on one t-SNE map, coloured by how far below the vertex a slice lies."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from hohoho.figures.level_probe import sample
from hohoho.figures.style import LEVEL_COLOURS, SMALL_PT, TEXT_PT, bare, canvas, note
from hohoho.slices.split import SPLITS

TITLE = "Figure 5 · The embedding orders slices by level, although nobody told the network"
MOST_SLICES = 400  # per split
LEAST_SLICES = 10  # on the whole map
PERPLEXITY = 30.0


def choose(split: np.ndarray, seed: int) -> np.ndarray:
    """The rows to map: a sample of each split, in their order."""
    return np.concatenate([sample(np.flatnonzero(split == name), MOST_SLICES, seed) for name in SPLITS])


def project(embeddings: np.ndarray, seed: int) -> np.ndarray:
    """(n, 2) t-SNE coordinates (van der Maaten, Hinton 2008); one thread, so that the same seed gives the same map."""
    perplexity = min(PERPLEXITY, (len(embeddings) - 1) / 3)
    with threadpool_limits(1):
        return TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(np.asarray(embeddings))


def draw(points: np.ndarray, level: np.ndarray, split: np.ndarray, probe: pd.DataFrame) -> Figure:
    """points: (n, 2); level, split: (n,). probe: the table of `level_probe`, its R² written above each split."""
    if len(points) < LEAST_SLICES:
        return note(TITLE, f"Only {len(points)} slices: too few for a map.")
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
