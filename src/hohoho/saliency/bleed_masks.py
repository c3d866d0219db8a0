"""Where the phantom's bleeds are, on the picture grid, and its true labels: drawn again, so no raw file is needed."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from hohoho.labels import LABELS
from hohoho.phantom.acquisition import FIELD_OF_VIEW_MM
from hohoho.phantom.population import image_id, patient_id, patient_of, studies_of
from hohoho.phantom.study import POSITIVE_MM2, blood_area_mm2, draw_blood
from hohoho.phantom.study_files import MASK_FROM
from hohoho.pseudonyms import PUBLIC_KEY, pseudonym
from hohoho.scans.windowing import window_and_resize

PART_WINDOW = (0.5, 1.0)  # center, width: a part of 0 to 1 becomes 0 to 255
MAX_SLICES = 100  # of a study: three times as many as there are
SQUARE_MM = (1.0, 1.0)  # the phantom's pixels are square


class PhantomDraw(NamedTuple):
    """The parameters that say which heads were drawn."""

    patients: int
    size_px: int
    seed: int


def phantom_of(source: str, slices: pd.DataFrame, phantom) -> PhantomDraw | None:
    """Which phantom the slices show; None for other data, and where secret pseudonyms hide which image is which."""
    if source != "phantom" or slices["image"].isna().any():
        return None
    return PhantomDraw(phantom.patients, phantom.size_px, phantom.seed)


def blood_of(phantom: PhantomDraw, number: int, images: list[str]) -> Iterator[np.ndarray]:
    """(5, H, W) uint8 parts of blood of each of these images of patient `number`.

    Of the first study only the slices asked for are drawn; a second one follows a first that is drawn as a whole.
    """
    names = {image_id(phantom.seed, number, study, i): (study, i) for study in (0, 1) for i in range(MAX_SLICES)}
    places = [names[image] for image in images]
    blood, first = {}, [index for study, index in places if study == 0]
    if first:
        patient, rng = patient_of(phantom.seed, number)
        drawn = draw_blood(rng, patient, phantom.size_px, first)
        blood |= {(0, index): part for index, part in zip(first, drawn, strict=True)}
    if len(first) < len(places):
        _, second = studies_of(*patient_of(phantom.seed, number), phantom.size_px)
        blood |= {(1, index): part for index, part in enumerate(second.blood)}
    return (blood[place] for place in places)


def blood_of_each_image(phantom: PhantomDraw, slices: pd.DataFrame) -> Iterator[tuple[int, np.ndarray]]:
    """(place in `slices`, that slice's blood) for rows of the slice table, patient by patient. Slow: 7 ms a slice."""
    pseudonyms = (pseudonym(PUBLIC_KEY, "patient", patient_id(phantom.seed, n)) for n in range(phantom.patients))
    numbers = {patient: number for number, patient in enumerate(pseudonyms)}
    for patient, places in slices.reset_index(drop=True).groupby("patient").indices.items():
        images = slices["image"].iloc[places].tolist()
        yield from zip(places, blood_of(phantom, numbers[patient], images), strict=True)


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
