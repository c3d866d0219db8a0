"""Figure 5: the embeddings of each split on one t-SNE map, coloured by how far below the vertex a slice lies."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from hohoho.figures.drawn import Drawn
from hohoho.figures.level_probe import THUMBNAIL_PX, THUMBNAILS, TRAINED, UNTRAINED, probe_run, sample
from hohoho.figures.run import SEED, Run
from hohoho.figures.style import LEVEL_COLOURS, SMALL_PT, TEXT_PT, bare, canvas, note
from hohoho.slices.split import SPLITS

TITLE = "Figure 5 · The embeddings by level, and how much of the level any picture shows"
KINDS = {  # column of the probe's table → as the caption calls it
    TRAINED: "of the trained network",
    UNTRAINED: "of an untrained network of the same architecture",
    THUMBNAILS: f"of thumbnails of {THUMBNAIL_PX} × {THUMBNAIL_PX} pixels",
}
MAX_MAPPED, MIN_MAPPED = 400, 10  # slices per split, and on the whole map
PERPLEXITY = 30.0


def draw(run: Run) -> Drawn:
    """The map, and how well a linear probe reads the level off the embedding and off two controls."""
    split, level = run.stacks["split"].to_numpy(), run.slices["level"].to_numpy()
    probe, read = probe_run(run)
    rows = np.concatenate([sample(split, name, MAX_MAPPED, SEED) for name in SPLITS])
    if len(rows) < MIN_MAPPED:
        figure = note(TITLE, f"Only {len(rows)} slices: too few for a map.")
    else:
        figure = plot(project(run.embeddings[rows], SEED), level[rows], split[rows], probe)
    tested = (
        read[read["split"] == SPLITS[-1]].drop(columns="split").round(4)
    )  # patients by their number in the table of slices
    return Drawn(figure, caption(probe), {"level_probe": probe, "levels_read": tested})


def caption(probe: pd.DataFrame) -> str:
    """What the probe reads off the embeddings, and off what has learnt nothing. probe: the table of `level_probe`."""
    on = "R² on " + ", ".join(probe["split"])
    r2 = "; ".join(f"{name} {', '.join(f'{value:.2f}' for value in probe[kind])}" for kind, name in KINDS.items())
    return (
        f"t-SNE of the embeddings. A linear probe, fitted on train, predicts the level with {on}: "
        f"{r2.replace('nan', '–')}. What the last two show as well, the training need not have taught."
    )


def project(embeddings: np.ndarray, seed: int) -> np.ndarray:
    """(n, 2) t-SNE coordinates (van der Maaten, Hinton 2008); one thread, so that the same seed gives the same map."""
    perplexity = min(PERPLEXITY, (len(embeddings) - 1) / 3)
    with threadpool_limits(1):
        return TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(np.asarray(embeddings))


def plot(points: np.ndarray, level: np.ndarray, split: np.ndarray, probe: pd.DataFrame) -> Figure:
    """points: (n, 2); level, split: (n,). probe: the table of `level_probe`, its R² written above each split."""
    figure = canvas(3.9, TITLE)
    panels = figure.subplots(1, len(SPLITS), sharex=True, sharey=True)
    r2 = probe.set_index("split")
    for axes, name in zip(panels, SPLITS, strict=True):
        own = split == name
        dots = axes.scatter(*points[own].T, c=level[own], s=7, cmap=LEVEL_COLOURS, vmin=0, vmax=max(1, level.max()))
        bare(axes)
        trained, *others = (f"{r2.loc[name, kind]:.2f}" for kind in KINDS)
        below = "untrained {}, thumbnails {}".format(*others)
        axes.set_title(f"{name}: {own.sum()} slices, R² = {trained}\n{below}", size=TEXT_PT)
        axes.set_xlabel("t-SNE 1", size=SMALL_PT)
    panels[0].set_ylabel("t-SNE 2", size=SMALL_PT)
    bar = figure.colorbar(dots, ax=list(panels), shrink=0.85, pad=0.01)
    bar.set_label("level (slices below the vertex)", size=TEXT_PT)
    bar.ax.tick_params(labelsize=SMALL_PT)
    bar.ax.invert_yaxis()  # the vertex on top
    return figure
