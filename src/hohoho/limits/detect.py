"""What the models say of one subject at every level: the work of one task."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from hohoho.labels import LABELS
from hohoho.limits.conditions import CONTRAST, NOISE, SIZES, THICKNESS, TILT, Factor, factors_of
from hohoho.limits.heads import Subject, draw_bleed, draw_subject, with_bleed
from hohoho.limits.scanning import Scanned, painted, place_of, scanned, thick_slices
from hohoho.predict.models import Models, load_models
from hohoho.scans.geometry import missing_slices
from hohoho.scans.windowing import window_and_resize
from hohoho.scores.calibration import calibrated
from hohoho.scores.predictions import slice_probabilities
from hohoho.scores.scan_probability import scan_aggregates
from hohoho.slices.store import adjacent_runs


class Task(NamedTuple):
    """One subject and one class, or None: no bleed."""

    models: Path
    seed: int
    number: int
    label: str | None
    size_px: int


class Seen(NamedTuple):
    """One scan, as the models see it."""

    label: str | None
    factor: str
    level: float
    head: int
    volume_ml: float
    thickness_mm: float
    scores: dict[str, list[float]]  # model → of each class of LABELS


def look(task: Task) -> list[Seen]:
    """In a worker: all scans of a task. What every factor holds is scanned once, and told for each."""
    models, found, asked = models_here(task.models), [], {}
    for factor, level, subject, scan in scans_of(task):
        if id(scan) not in asked:
            asked[id(scan)] = scan, class_scores(models, subject, scan.hu)
        amounts = scan.volume_ml, scan.thickness_mm
        found.append(Seen(task.label, factor.name, level, task.number, *amounts, asked[id(scan)][1]))
    return found


def scans_of(task: Task) -> Iterator[tuple[Factor, float, Subject, Scanned]]:
    """Every factor's every level with its scan."""
    bare, label, factors = draw_subject(task.seed, task.number, task.size_px), task.label, factors_of(task.label)
    bleed = draw_bleed(bare, label) if label else None
    contrast = next((factor.held for factor in factors if factor.name == CONTRAST), 0.0)

    def bleeding(size_mm: float) -> Subject:
        return with_bleed(bare, label, bleed, size_mm, contrast)

    subject = bleeding(SIZES[label].held) if label else bare
    planes = painted(subject)
    held = scanned(subject, planes, label)
    for factor in factors:
        levels = [level for level in factor.levels if level != factor.held]
        yield factor, factor.held, subject, held
        if factor.name == THICKNESS:
            others = ((subject, scanned(subject, thick, label)) for thick in thick_slices(subject, levels))
        elif factor.name == TILT:
            others = ((subject, scanned(subject, painted(subject, level), label)) for level in levels)
        elif factor.name in (CONTRAST, NOISE):
            places = (place_of(factor.name, level, contrast) for level in levels)
            others = ((subject, scanned(subject, planes, label, place)) for place in places)
        else:
            sized = map(bleeding, levels)
            others = ((other, scanned(other, painted(other), label)) for other in sized)
        for level, (other, scan) in zip(levels, others, strict=True):
            yield factor, level, other, scan


def class_scores(models: Models, subject: Subject, hu: np.ndarray) -> dict[str, list[float]]:
    """Model → the logit of each class's largest slice, calibrated where the class is.

    `hohoho predict` gives a scan a probability that rises with it, so both rank scans alike. hu: (Z, H, W).
    """
    pixels, runs = model_pixels(models, subject, hu)
    scores = {}
    for model, raw in models.ask(runs, pixels).raw.items():
        of_slices = slice_probabilities(raw, calibrated(models.calibration, model, raw))
        scores[model] = scan_aggregates(np.zeros(len(raw)), of_slices)[0, : len(LABELS)].tolist()
    return scores


def model_pixels(models: Models, subject: Subject, hu: np.ndarray) -> tuple[np.ndarray, list[slice]]:
    """(Z, size, size) uint8 and the runs of adjacent slices, as ingest and prediction make them of DICOM files."""
    size, spacing_mm = models.inputs["image_size"], (subject.acquisition.pixel_mm,) * 2
    pixels = np.stack([window_and_resize(each, spacing_mm, size, *models.window) for each in hu])
    missing = missing_slices(subject.acquisition.positions_mm)
    runs = adjacent_runs(pd.DataFrame({"study": "this", "index": range(len(hu)), "missing_before": missing}))
    return pixels, runs


@cache
def models_here(folder: Path) -> Models:
    """Loaded once a process; one thread, as there is a process a core, and sums do not depend on their number."""
    models = load_models(folder)
    torch.set_num_threads(1)
    return models
