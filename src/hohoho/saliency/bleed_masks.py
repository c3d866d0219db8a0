"""Where the phantom's bleeds are, on the picture grid, and its true labels: drawn again, so no raw file is needed."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from hohoho.labels import LABELS
from hohoho.phantom.study import Study, draw_patient, draw_study
from hohoho.phantom.study_files import MASK_FROM, name
from hohoho.phantom.tree import P_SECOND_STUDY
from hohoho.pseudonyms import PUBLIC_KEY, pseudonym
from hohoho.windowing import square_slice

PART_WINDOW = (0.5, 1.0)  # center, width: a part of 0 to 1 becomes 0 to 255
SQUARE_MM = (1.0, 1.0)  # the phantom's pixels are square


class PhantomDraw(NamedTuple):
    """The knobs that say which heads were drawn."""

    patients: int
    size_px: int
    seed: int


def patient_numbers(phantom: PhantomDraw) -> dict[str, int]:
    """Pseudonym → number of every patient of the phantom."""
    ids = [name(8, phantom.seed, number) for number in range(phantom.patients)]
    return {pseudonym(PUBLIC_KEY, "patient", patient_id): number for number, patient_id in enumerate(ids)}


def patient_studies(phantom: PhantomDraw, number: int) -> list[Study]:
    """The one or two studies of one patient; the draws of phantom.tree.write_patient."""
    rng = np.random.default_rng(np.random.SeedSequence(phantom.seed, spawn_key=(number,)))
    patient = draw_patient(rng)
    studies = [draw_study(rng, patient, phantom.size_px)]
    if rng.random() < P_SECOND_STUDY:
        studies.append(draw_study(rng, patient, phantom.size_px))
    return studies


def of_each_image(phantom: PhantomDraw, slices: pd.DataFrame, what: str) -> Iterator[tuple[int, np.ndarray]]:
    """(place in `slices`, that slice's part of `Study.<what>`) for rows of the slice table, patient by patient.

    Slow: 0.1 s a patient.
    """
    numbers = patient_numbers(phantom)
    for patient, places in slices.reset_index(drop=True).groupby("patient").indices.items():
        found = {
            name(9, phantom.seed, numbers[patient], study_number, index): part
            for study_number, study in enumerate(patient_studies(phantom, numbers[patient]))
            for index, part in enumerate(getattr(study, what))
        }
        for place in places:
            yield place, found[slices["image"].iloc[place]]


def on_picture_grid(blood: np.ndarray, image_size: int) -> np.ndarray:
    """(H, W) uint8 part of blood → (image_size, image_size) bool, by the resizing that made the picture."""
    return square_slice(blood / np.float32(255), SQUARE_MM, image_size, *PART_WINDOW) >= MASK_FROM


def bleed_masks(slices: pd.DataFrame, phantom: PhantomDraw, image_size: int) -> np.ndarray:
    """(n, 5, image_size, image_size) bool for n rows of the slice table, in the order of LABELS."""
    masks = np.zeros((len(slices), len(LABELS), image_size, image_size), bool)
    for place, blood in of_each_image(phantom, slices, "blood"):
        masks[place] = [on_picture_grid(part, image_size) for part in blood]
    return masks


def true_labels(slices: pd.DataFrame, phantom: PhantomDraw) -> np.ndarray:
    """(n, 5) bool for n rows of the slice table: the labels before errors were planted in them."""
    labels = np.zeros((len(slices), len(LABELS)), bool)
    for place, found in of_each_image(phantom, slices, "labels"):
        labels[place] = found
    return labels
