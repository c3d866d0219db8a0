"""Answers for a test set without labels, in the long format of the data set that it belongs to."""

import numpy as np
import pandas as pd

from hohoho.inference.table import CLASSES, with_any, with_any_probability
from hohoho.labels import LABELS, RSNA_SUBTYPES


def submission(
    table: pd.DataFrame, images: pd.Series, test_images: list[str], source: str, predicted: np.ndarray
) -> pd.DataFrame:
    """Every unlabelled test image × class once; no rows where the test set is labelled or its images have no names.

    table: predictions, one row per slice. images: the images' published names. test_images: those of the whole test
    set; what could not be read gets the answer of a model that sees nothing.
    Course: `<image>_<class>,prediction`; predicted: (slices, 5) of 0 or 1. RSNA: `ID_xxx_<subtype>,Label`, `any` too;
    predicted: (slices, 5) calibrated probabilities, as its log loss wants them; the share of positives in training for
    a class that could not be calibrated (NaN).
    """
    wanted = ((table["split"] == "test") & table[LABELS].isna().all(axis=1) & images.notna()).to_numpy()
    unread = pd.Series(sorted(set(test_images) - set(images[wanted])), dtype="str")
    names = pd.concat([images[wanted], unread])
    if source == "course":
        return _long(names, LABELS, _with_unread(predicted[wanted], np.zeros(len(LABELS), int), unread), "prediction")
    usual = usual_shares(table)
    answers = np.where(np.isfinite(predicted[wanted]), predicted[wanted], usual[: len(LABELS)])
    subtypes = {label: subtype for subtype, label in RSNA_SUBTYPES.items()}
    classes = [subtypes.get(name, name) for name in CLASSES]
    return _long(names, classes, _with_unread(with_any_probability(answers), usual, unread), "Label")


def usual_shares(table: pd.DataFrame) -> np.ndarray:
    """(6,) share of positives among the labelled training slices, of each class and of any."""
    known = table.loc[table["split"] == "train", LABELS].dropna().to_numpy(np.float64)
    return with_any(known).mean(axis=0) if len(known) else np.zeros(len(CLASSES))


def _with_unread(values, usual, unread):
    return np.concatenate([values, np.tile(usual, (len(unread), 1))])


def _long(images: pd.Series, names: list[str] | tuple[str, ...], values: np.ndarray, column: str) -> pd.DataFrame:
    ids = [f"{image}_{name}" for image in images for name in names]
    return pd.DataFrame({"ID": ids, column: values.ravel()})
