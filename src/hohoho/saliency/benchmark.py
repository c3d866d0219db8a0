"""The benchmark of the saliency methods: a sample of the phantom's bleeds, each to be explained by every method."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from hohoho.labels import LABELS
from hohoho.saliency.bleed_masks import PhantomDraw, bleed_masks

MAX_PATIENTS, MAX_PER_CLASS = 40, 16  # a sample that two cores explain in a quarter of a minute


class Lesions(NamedTuple):
    """n bleeds whose place is known: a slice and a class each."""

    rows: np.ndarray  # (n,) of the slice table
    classes: np.ndarray  # (n,) index into LABELS
    masks: np.ndarray  # (n, H, W) bool


def sample_lesions(slices: pd.DataFrame, rows: np.ndarray, phantom: PhantomDraw, image_size: int, seed: int) -> Lesions:
    """Up to MAX_PER_CLASS labelled bleeds of each class, from up to MAX_PATIENTS patients with a bleed.

    slices: the whole slice table; rows: (m,) which of it may take part. A label without blood (an error) is left out.
    """
    rng, positive = np.random.default_rng(seed), slices[LABELS].to_numpy() == 1
    bleeding = rows[positive[rows].any(axis=1)]
    patients = rng.permutation(slices["patient"].iloc[bleeding].unique())[:MAX_PATIENTS]
    bleeding = bleeding[slices["patient"].iloc[bleeding].isin(patients)]
    masks = bleed_masks(slices.iloc[bleeding], phantom, image_size)
    places, classes = np.nonzero(positive[bleeding] & masks.any(axis=(2, 3)))
    order = [rng.permutation(np.flatnonzero(classes == c))[:MAX_PER_CLASS] for c in range(len(LABELS))]
    taken = np.sort(np.concatenate(order))
    places, classes = places[taken], classes[taken]
    return Lesions(bleeding[places], classes, masks[places, classes])
