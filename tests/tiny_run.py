"""A run of thirty small slices, as the stages would have left it: for the tests of figures and report."""

import numpy as np
import pandas as pd

from hohoho.inference.table import prediction_table
from hohoho.labels import LABELS
from hohoho.scores.evaluation import evaluate
from hohoho.scores.scans import Settings
from hohoho.slices.stacks import stack_table

SIDE, SLICES_PER_STUDY = 32, 10


class Pixels:
    """Random pictures that answer like a slice store."""

    image_size = SIDE

    def __init__(self, count: int):
        self.pictures = np.random.default_rng(1).integers(0, 256, (count, SIDE, SIDE), dtype=np.uint8)

    def take(self, rows) -> np.ndarray:
        return self.pictures[np.asarray(rows, int).reshape(-1)]


def slice_table(labelled: bool = True) -> pd.DataFrame:
    """Three studies of ten slices, one a patient; every class bleeds somewhere in each."""
    rng, count = np.random.default_rng(0), 3 * SLICES_PER_STUDY
    labels = np.where(rng.random((count, len(LABELS))) < 0.4, 1.0, 0.0) if labelled else np.nan
    table = pd.DataFrame({"study": np.repeat(["s0", "s1", "s2"], SLICES_PER_STUDY)})
    table["patient"] = table["study"].str.replace("s", "p")
    table["index"] = np.tile(np.arange(SLICES_PER_STUDY), 3)
    table["level"] = SLICES_PER_STUDY - 1 - table["index"]
    table["position_mm"] = table["index"] * 5.0
    table["missing_before"] = False
    table["image"] = [f"ID_{row}" for row in range(count)]
    return table.assign(**dict(zip(LABELS, np.broadcast_to(labels, (count, len(LABELS))).T, strict=True)))


def study_table(kernel: str = "H30s") -> pd.DataFrame:
    """The studies of `slice_table`."""
    names = {"study": ["s0", "s1", "s2"], "patient": ["p0", "p1", "p2"], "kernel": kernel, "manufacturer": "ACME"}
    numbers = {"slices": SLICES_PER_STUDY, "tilt_deg": 0.0, "thickness_mm": 5.0, "gap_mm_median": 5.0}
    return pd.DataFrame(names | numbers | {"age_band": "60-69", "sex": "F", "split": None, "small": False})


def stacks_of(slices: pd.DataFrame) -> pd.DataFrame:
    """A patient for each split."""
    return stack_table(slices, pd.Series({"p0": "train", "p1": "val", "p2": "test"}))


def predictions_of(slices: pd.DataFrame) -> pd.DataFrame:
    """Random probabilities by both models."""
    rng = np.random.default_rng(2)
    probabilities = {model: rng.random((len(slices), len(LABELS))) for model in ("cnn", "cnn_lstm")}
    return prediction_table(slices, stacks_of(slices)["split"], probabilities)


def evaluation_of(slices: pd.DataFrame, kernel: str = "H30s"):
    """All scores of these predictions."""
    settings = Settings(threshold=0.5, smoothing=False, resamples=5, seed=0)
    return evaluate(predictions_of(slices), study_table(kernel), settings)
