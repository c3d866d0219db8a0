"""The benchmark of the saliency methods: a sample of the phantom's bleeds, each to be explained by every method."""

import numpy as np
import pandas as pd

from hohoho.labels import LABELS
from hohoho.saliency.bleed_masks import PhantomDraw, bleed_masks
from hohoho.saliency.scores import Lesions

MAX_PATIENTS, MAX_PER_CLASS = 40, 16  # a sample that two cores explain in a quarter of a minute


def sample_lesions(slices: pd.DataFrame, rows: np.ndarray, phantom: PhantomDraw, image_size: int, seed: int) -> Lesions:
    """Up to MAX_PER_CLASS labelled bleeds of each class, from up to MAX_PATIENTS patients with a bleed.

    slices: the whole slice table; rows: (m,) which of it may take part. A label without blood (an error) is left out.
    """
    rng, positive = np.random.default_rng(seed), slices[LABELS].to_numpy() == 1
    bleeding = rows[positive[rows].any(axis=1)]
    patients = rng.permutation(slices["patient"].iloc[bleeding].unique())[:MAX_PATIENTS]
    bleeding = bleeding[slices["patient"].iloc[bleeding].isin(patients)]
    places, classes = np.nonzero(positive[bleeding])
    order = [rng.permutation(np.flatnonzero(classes == c))[:MAX_PER_CLASS] for c in range(len(LABELS))]
    taken = np.sort(np.concatenate(order))
    drawn, at = np.unique(bleeding[places[taken]], return_inverse=True)  # a head takes its time to draw
    masks = bleed_masks(slices.iloc[drawn], phantom, image_size)[at, classes[taken]]
    bloody = masks.any(axis=(1, 2))
    rows = drawn[at[bloody]]
    return Lesions(rows, classes[taken][bloody], masks[bloody], slices["patient"].to_numpy()[rows])
