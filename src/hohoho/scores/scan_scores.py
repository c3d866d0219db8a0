"""One answer per scan: from the slices' probabilities, against what is known of the scan.

Two ways, both given. The *maximum* over the slices (`inference.table.scan_maxima`) is the headline: it is positive
exactly when a slice is. *Noisy-or*, 1 - Π(1 - p), is right for independent slices; thirty neighbouring slices are one
witness rather than thirty, so it saturates near 1 and grows with the number of slices. It is a formula about
probabilities and takes the calibrated ones; the maximum takes the raw ones, as the slice answers do. Both before any
smoothing.
"""

import numpy as np
import pandas as pd

from hohoho.labels import LABELS
from hohoho.slices.store import SCAN_LABELS

MAX, NOISY_OR = "max", "noisy_or"


def scan_truth(table: pd.DataFrame, studies: pd.DataFrame) -> pd.DataFrame:
    """Index study, columns patient, split and the five labels (NaN where unknown).

    A scan is positive where one of its slices is, negative where all are labelled and none is. What its slices leave
    open the study table's scan labels say, where there are any.
    """
    by_study = table.groupby("study", sort=True)
    truth = by_study[["patient", "split"]].first()
    found, missing = by_study[LABELS].max(), by_study[LABELS].agg(lambda column: column.isna().any())
    found = found.mask(missing & (found != 1))
    if set(SCAN_LABELS) <= set(studies):
        of_scan = studies.set_index("study")[SCAN_LABELS].set_axis(LABELS, axis=1)
        found = found.fillna(of_scan.reindex(found.index))
    return truth.join(found)


def scan_noisy_or(table: pd.DataFrame, probabilities: np.ndarray) -> np.ndarray:
    """(scans, 6) 1 - Π(1 - p) over the slices; for any: over slices and classes."""
    log_absent = pd.DataFrame(np.log1p(-np.clip(probabilities, 0, 1 - 1e-15)))
    log_absent = log_absent.groupby(table["study"].to_numpy(), sort=True).sum().to_numpy()
    return -np.expm1(np.column_stack([log_absent, log_absent.sum(1)]))
