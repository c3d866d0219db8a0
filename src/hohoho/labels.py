"""The five types of hemorrhage: their order, and the names that other data sets give them."""

import numpy as np

LABELS = ["ich", "ivh", "sah", "sdh", "edh"]  # intraparenchymal, intraventricular, subarachnoid, subdural, epidural

RSNA_SUBTYPES = {
    "intraparenchymal": "ich",
    "intraventricular": "ivh",
    "subarachnoid": "sah",
    "subdural": "sdh",
    "epidural": "edh",
}


def unlabelled(slices: int) -> np.ndarray:
    """(slices, 5) float32, NaN: no slice has a label."""
    return np.full((slices, len(LABELS)), np.nan, np.float32)
