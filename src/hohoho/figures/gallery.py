"""All figures of one run: each module of FIGURES draws one and brings its caption and its tables."""

from pathlib import Path

from hohoho.figures import (
    curves,
    disagreements,
    embedding_map,
    loss_gradients,
    neighbours,
    saliency_pairs,
    worst_slices,
)
from hohoho.figures.drawn import Drawn
from hohoho.figures.run import Run
from hohoho.figures.style import save

FIGURES = {
    "figure1_neighbours": neighbours.draw,
    "figure3_gradients": loss_gradients.draw,
    "figure5_embeddings": embedding_map.draw,
    "figure6_saliency": saliency_pairs.draw,
    "figure7_disagreements": disagreements.draw,
    "curves": curves.draw,
    "worst_slices": worst_slices.draw,
}


def draw_figures(folder: Path, run: Run) -> dict[str, Drawn]:
    """Draw every figure and write it to `folder`/<name>.png."""
    figures = {name: draw(run) for name, draw in FIGURES.items()}
    for name, drawn in figures.items():
        save(folder / f"{name}.png", drawn.figure)
    return figures
