"""Where the phantom's bleeds are, on the picture grid, and its true labels: drawn again, so no raw file is needed."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from hohoho.labels import LABELS
from hohoho.phantom.acquisition import FIELD_OF_VIEW_MM
from hohoho.phantom.study import POSITIVE_MM2, blood_area_mm2, draw_blood, draw_patient, draw_study
from hohoho.phantom.study_files import MASK_FROM, name
from hohoho.pseudonyms import PUBLIC_KEY, pseudonym
from hohoho.scans.windowing import window_and_resize

PART_WINDOW = (0.5, 1.0)  # center, width: a part of 0 to 1 becomes 0 to 255
MOST_SLICES = 100  # of a study: three times as many as there are
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


def blood_of(phantom: PhantomDraw, number: int, images: list[str]) -> dict[str, np.ndarray]:
    """Image → (5, H, W) uint8 parts of blood, for images of one patient; the draws of phantom.tree.write_patient.

    Of the first study only the slices asked for are drawn; a second one follows a first that is drawn as a whole.
    """
    rng = np.random.default_rng(np.random.SeedSequence(phantom.seed, spawn_key=(number,)))
    patient, state = draw_patient(rng), rng.bit_generator.state
    places = {name(9, phantom.seed, number, 0, index): index for index in range(MOST_SLICES)}
    first = [image for image in images if image in places]
    found = {}
    if first:
        found = dict(zip(first, draw_blood(rng, patient, phantom.size_px, [places[i] for i in first]), strict=True))
    if len(first) < len(images):
        rng.bit_generator.state = state
        draw_study(rng, patient, phantom.size_px)
        rng.random()  # whether there is a second study
        second = draw_study(rng, patient, phantom.size_px).blood
        found |= {name(9, phantom.seed, number, 1, index): blood for index, blood in enumerate(second)}
    return {image: found[image] for image in images}


def blood_of_each_image(phantom: PhantomDraw, slices: pd.DataFrame) -> Iterator[tuple[int, np.ndarray]]:
    """(place in `slices`, that slice's blood) for rows of the slice table, patient by patient. Slow: 7 ms a slice."""
    numbers = patient_numbers(phantom)
    for patient, places in slices.reset_index(drop=True).groupby("patient").indices.items():
        images = slices["image"].iloc[places].tolist()
        blood = blood_of(phantom, numbers[patient], images)
        yield from ((place, blood[image]) for place, image in zip(places, images, strict=True))


def on_picture_grid(blood: np.ndarray, image_size: int) -> np.ndarray:
    """(H, W) uint8 part of blood → (image_size, image_size) bool, by the resizing that made the picture."""
    return window_and_resize(blood / np.float32(255), SQUARE_MM, image_size, *PART_WINDOW) >= MASK_FROM


def bleed_masks(slices: pd.DataFrame, phantom: PhantomDraw, image_size: int) -> np.ndarray:
    """(n, 5, image_size, image_size) bool for n rows of the slice table, in the order of LABELS."""
    masks = np.zeros((len(slices), len(LABELS), image_size, image_size), bool)
    for place, blood in blood_of_each_image(phantom, slices):
        masks[place] = [on_picture_grid(part, image_size) for part in blood]
    return masks


def true_labels(slices: pd.DataFrame, phantom: PhantomDraw) -> np.ndarray:
    """(n, 5) bool for n rows of the slice table: the labels before errors were planted in them."""
    labels = np.zeros((len(slices), len(LABELS)), bool)
    for place, blood in blood_of_each_image(phantom, slices):
        labels[place] = blood_area_mm2(blood, FIELD_OF_VIEW_MM / phantom.size_px) > POSITIVE_MM2
    return labels
