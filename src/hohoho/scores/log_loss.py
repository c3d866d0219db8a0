"""The score of the RSNA 2019 challenge: weighted multi-label log loss with `any`.

The challenge's page ("RSNA Intracranial Hemorrhage Detection", Evaluation): log loss over the six labels of each image,
`any` weighing more – twice the others –, and probabilities clipped at 1e-15.
"""

import numpy as np

from hohoho.scores.bootstrap import per_patient
from hohoho.scores.class_scores import Judged
from hohoho.scores.rates import ratio

WEIGHTS = np.array([1, 1, 1, 1, 1, 2]) / 7  # as in CLASSES: the five, then any
CLIP = 1e-15


def rsna_log_loss(rows: Judged, draws: np.ndarray) -> np.ndarray:
    """(resamples,) weighted mean log loss (nat) of the rows' probabilities. draws: (resamples, patients)."""
    of_the_truth = np.where(rows.targets, rows.probabilities, 1 - rows.probabilities)
    losses = -np.log(np.clip(of_the_truth, CLIP, 1)) @ WEIGHTS
    sums = per_patient(np.column_stack([losses, np.ones(len(losses))]), rows.codes, rows.patients)
    return ratio(*(draws @ sums).T)
