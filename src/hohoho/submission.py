"""Answers for a test set without labels, in the long format of the data set that it belongs to."""

import numpy as np
import pandas as pd

from hohoho.labels import LABELS, RSNA_SUBTYPES


def submission(
    table: pd.DataFrame, images: pd.Series, source: str, probabilities: np.ndarray, positive: np.ndarray
) -> pd.DataFrame:
    """Every unlabelled test image × class once; no rows where the test set is labelled or its images have no names.

    table: predictions, one row per slice. images: the images' published names. positive: (slices, 5) the answers;
    probabilities: (slices, 5) calibrated ones, as RSNA's log loss wants them.
    Course: `<image>_<class>,prediction` with 0 or 1. RSNA: `ID_xxx_<subtype>,Label` with probabilities, and `any`
    as the largest of the five.
    """
    wanted = ((table["split"] == "test") & table[list(LABELS)].isna().all(axis=1) & images.notna()).to_numpy()
    if source == "course":
        return _long(images[wanted], LABELS, positive[wanted].astype(int), "prediction")
    subtypes = {label: subtype for subtype, label in RSNA_SUBTYPES.items()}
    names = [*(subtypes[label] for label in LABELS), "any"]
    values = np.column_stack([probabilities[wanted], probabilities[wanted].max(axis=1, initial=0)])
    return _long(images[wanted], names, values, "Label")


def _long(images: pd.Series, names: list[str] | tuple[str, ...], values: np.ndarray, column: str) -> pd.DataFrame:
    ids = [f"{image}_{name}" for image in images for name in names]
    return pd.DataFrame({"ID": ids, column: values.ravel()})
