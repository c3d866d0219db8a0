"""All figures of one run, drawn into a folder, and the numbers behind them."""

from pathlib import Path

import numpy as np
import pandas as pd

from hohoho.figures import (
    curves,
    disagreements,
    embedding_map,
    loss_gradients,
    neighbours,
    saliency_pairs,
    worst_slices,
)
from hohoho.figures.disagreements import Shown
from hohoho.figures.drawn import CURVES, DISAGREEMENTS, EMBEDDINGS, GRADIENTS, NEIGHBOURS, SALIENCY, WORST, Drawn
from hohoho.figures.level_probe import level_probe
from hohoho.figures.run import Run, explain, masks_of, shown_rows
from hohoho.figures.style import save
from hohoho.inference.table import models_in, probabilities_of
from hohoho.labels import LABELS
from hohoho.saliency.bleed_masks import true_labels
from hohoho.saliency.methods import METHODS
from hohoho.saliency.scores import best_method, saliency_scores
from hohoho.saliency.trial import known_bleeds
from hohoho.scores.evaluation import Evaluation
from hohoho.slices.stacks import channel_rows

MODEL_NAMES = {"cnn": "the CNN", "cnn_lstm": "the CNN-LSTM"}
MOST_GAPS = 100  # whose truth is looked up: a tenth of a second each
SEED = 0  # of the samples and of t-SNE
POSTER_METHOD, SECOND_METHOD = "gradient", "integrated_gradients"  # the second where no bleed's place is known
NEIGHBOURS_TEXT = (
    "A slice enters between its neighbours, as the three channels of one picture; colour shows where they differ."
)
GRADIENTS_TEXT = (
    "How hard each loss pulls at a negative slice, by autograd of the repository's own loss. Focusing (γ⁻) lets go of "
    "easy negatives, the shift (m) also of those that the model is sure are positive: the label may be wrong."
)
WORST_TEXT = "The surest misses, then the surest false alarms: the class with the model's probability, and the labels."
OUTLINED = " Blue: outline of the drawn bleed; around a bleed labelled 0 it shows a wrong label."


def draw_gallery(folder: Path, run: Run, found: Evaluation) -> Drawn:
    """Write every figure as PNG into `folder`. found: the scores, for the curves and the worst slices."""
    gradients = loss_gradients.gradient_curves(*run.loss)
    save(folder / GRADIENTS, loss_gradients.draw(gradients, *run.loss))
    save(folder / CURVES, curves.draw(found.curves))
    probe, embeddings_text = draw_embeddings(folder / EMBEDDINGS, run)
    saliency, saliency_text = draw_saliency(folder / SALIENCY, run)
    captions = {
        NEIGHBOURS: draw_neighbours(folder / NEIGHBOURS, run),
        GRADIENTS: GRADIENTS_TEXT,
        EMBEDDINGS: embeddings_text,
        SALIENCY: saliency_text,
        DISAGREEMENTS: draw_disagreements(folder / DISAGREEMENTS, run),
        CURVES: "Dashed: validation, and probabilities as they come; solid: test, and calibrated.",
        WORST: draw_worst(folder / WORST, run, found.worst),
    }
    return Drawn(captions, gradients, probe, saliency)


def draw_neighbours(path: Path, run: Run) -> str:
    """Figure 1."""
    rows = channel_rows(run.stacks, 3)
    _, labelled = shown_rows(run.stacks)
    offered = labelled if len(labelled) else np.arange(len(rows))
    row = offered[neighbours.pick(run.slices[LABELS].to_numpy()[offered], rows[offered])]
    save(path, neighbours.draw(run.pixels.take(rows[row])))
    return NEIGHBOURS_TEXT


def draw_embeddings(path: Path, run: Run) -> tuple[pd.DataFrame, str]:
    """Figure 5, and how well a linear probe reads the level off the embedding."""
    split, level = run.stacks["split"].to_numpy(), run.slices["level"].to_numpy()
    probe = level_probe(run.embeddings, level, split, SEED)
    rows = embedding_map.choose(split, SEED)
    enough = len(rows) >= embedding_map.LEAST_SLICES
    points = embedding_map.project(run.embeddings[rows], SEED) if enough else np.empty((0, 2))
    save(path, embedding_map.draw(points, level[rows], split[rows], probe))
    found = ", ".join(f"{row.r2:.2f} on {row.split}" for row in probe.itertuples() if np.isfinite(row.r2))
    text = f"t-SNE of the embeddings. A linear probe, fitted on train, predicts the level with R² {found or '–'}."
    return probe, text


def draw_saliency(path: Path, run: Run) -> tuple[pd.DataFrame, str]:
    """Figure 6, and the trial of the methods where the bleeds' places are known."""
    split, rows = shown_rows(run.stacks)
    saliency = score_methods(run, rows)
    methods = list(dict.fromkeys([POSTER_METHOD, best_method(saliency) or SECOND_METHOD]))
    targets, probabilities = run.slices[LABELS].to_numpy(), probabilities_of(run.predictions, "cnn")
    examples = saliency_pairs.pick(targets[rows], probabilities[rows], run.threshold)
    chosen = rows[[example.place for example in examples]]
    classes = np.array([example.label for example in examples], int)
    maps = {name: explain(run, name, chosen, classes) for name in methods} if examples else {}
    save(path, saliency_pairs.draw(examples, run.pixels.take(chosen), maps, masks_of(run, chosen, classes)))
    return saliency, (
        f"The CNN on the {split} split: per class the surest bleed found and surest wrong answer, with the saliency by "
        f"{' and '.join(saliency_pairs.NAMES[name] for name in methods)}.{OUTLINED if run.phantom else ''}"
    )


def score_methods(run: Run, rows: np.ndarray) -> pd.DataFrame:
    """The table of `saliency_scores` on a sample of the known bleeds among `rows`; empty where none is known."""
    if run.phantom is None:
        return saliency_scores({}, np.empty((0, 1, 1), bool), np.empty(0, int))
    bleeds = known_bleeds(run.slices, rows, run.phantom, run.pixels.image_size, SEED)
    maps = {name: explain(run, name, bleeds.rows, bleeds.classes) for name in METHODS}
    return saliency_scores(maps, bleeds.masks, bleeds.classes)


def draw_disagreements(path: Path, run: Run) -> str:
    """Figure 7, of the row's own model and all labelled splits."""
    study, targets = run.slices["study"].to_numpy(), run.slices[LABELS].to_numpy()
    model = models_in(run.predictions)[-1]
    probabilities = probabilities_of(run.predictions, model)
    gaps = disagreements.label_gaps(study, targets, probabilities)
    closed = disagreements.closed_gaps(gaps, run.threshold)
    shown = closed[: disagreements.SHOWN_RUNS]
    lines = [
        [
            None
            if row is None
            else Shown(run.pixels.take([row])[0], targets[row, gap.label], probabilities[row, gap.label])
            for row in disagreements.shown_rows(gap, study)
        ]
        for gap in shown
    ]
    save(path, disagreements.draw(shown, lines))
    return (
        f"Labels of one scan that break off for a slice or two while the model stays. Of {len(gaps)} such gaps in the "
        f"labels of all splits, {MODEL_NAMES[model]} answers yes all through {len(closed)}.{_truth(run, gaps, closed)}"
    )


def _truth(run: Run, gaps: list[disagreements.Gap], closed: list[disagreements.Gap]) -> str:
    """In how many gaps the label is wrong, known of the phantom alone."""
    if run.phantom is None or not closed or len(gaps) > MOST_GAPS:
        return ""
    rows = np.array([row for gap in gaps for row in gap.rows])
    truth = dict(zip(rows.tolist(), true_labels(run.slices.iloc[rows], run.phantom), strict=True))
    wrong = [any(truth[row][gap.label] for row in gap.rows) for gap in gaps]  # the closed ones come first
    found, others = sum(wrong[: len(closed)]), sum(wrong[len(closed) :])
    return (
        f" The phantom knows the truth: the label is wrong in {found} of these {len(closed)}, and in {others} of the "
        f"{len(gaps) - len(closed)} where the model breaks off too."
    )


def draw_worst(path: Path, run: Run, worst: pd.DataFrame) -> str:
    """The slices that the model got most wrong, half of them missed bleeds, with what is there."""
    shown = worst.groupby("error", sort=False).head(worst_slices.SHOWN // 2)
    texts = [
        f"{row['error']}: {row['class']} {row['probability']:.2f}\nlabel: {row['truth']}" for _, row in shown.iterrows()
    ]
    save(path, worst_slices.draw(run.pixels.take(shown["row"].to_numpy(int)), texts))
    return WORST_TEXT
