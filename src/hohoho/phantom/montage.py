"""A picture of some phantoms, in the window that doctors read brains in."""

from pathlib import Path

import cv2
import numpy as np

from hohoho.labels import LABELS
from hohoho.phantom.population import patient_of
from hohoho.phantom.study import Patient, Study, draw_study

WINDOW_HU = (0.0, 80.0)  # centre 40, width 80
SHOWN = 6  # patients
ROWS, COLUMNS = 2, 6  # of slices a patient
CAPTION_PX = 14
SMALLEST_TILE_PX = 128


def montage(path: Path, seed: int, patients: int, size: int) -> None:
    """Write a PNG of up to six of `write_phantom`'s patients of this seed, chosen so that all bleeds are seen.

    Twelve slices each, foot to head in two rows, with the true labels above the positive ones.
    """
    chosen = choose([patient_of(seed, number) for number in range(patients)])
    rows = [row for patient, rng in chosen for row in patient_rows(draw_study(rng, patient, size))]
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), np.concatenate(rows)):
        raise OSError(f"{path}: the picture could not be written")


def choose(drawn: list[tuple[Patient, np.random.Generator]]) -> list[tuple[Patient, np.random.Generator]]:
    """The patients to show: one normal, then those that add the most bleeds not shown yet, then the next ones."""
    chosen = [index for index, (patient, _) in enumerate(drawn) if not kinds(patient)][:1]
    missing = set(LABELS)
    while len(chosen) < min(SHOWN, len(drawn)):
        rest = [index for index in range(len(drawn)) if index not in chosen]
        best = max(rest, key=lambda index: len(kinds(drawn[index][0]) & missing))
        missing -= kinds(drawn[best][0])
        chosen.append(best)
    return [drawn[index] for index in chosen]


def kinds(patient: Patient) -> set[str]:
    """The labels of the patient's bleeds."""
    return {label for label in LABELS if getattr(patient.bleeds, label)}


def patient_rows(study: Study) -> list[np.ndarray]:
    """The rows of tiles of one patient: (height, width) uint8 each."""
    indices = np.linspace(0, len(study.hu) - 1, ROWS * COLUMNS).round().astype(int)
    tiles = [tile(study.hu[index], study.labels[index]) for index in indices]
    return [np.concatenate(tiles[start : start + COLUMNS], axis=1) for start in range(0, len(tiles), COLUMNS)]


def tile(hu: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """One slice in grey, its positive labels written above."""
    low, high = WINDOW_HU
    grey = (np.clip((hu.astype(np.float32) - low) / (high - low), 0, 1) * 255).astype(np.uint8)
    zoom = -(-SMALLEST_TILE_PX // len(grey))
    grey = grey.repeat(zoom, axis=0).repeat(zoom, axis=1)
    caption = np.zeros((CAPTION_PX, grey.shape[1]), np.uint8)
    text = " ".join(label for label, positive in zip(LABELS, labels, strict=True) if positive)
    cv2.putText(caption, text, (2, CAPTION_PX - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.36, 255, 1, cv2.LINE_AA)
    return np.concatenate([caption, grey])
