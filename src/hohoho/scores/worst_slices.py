"""The slices where the row's own model was most surely wrong: misses first, then false alarms, the worst of each first.

Columns: `row` in the slice table, `split`, `study`, `patient`, `index`, `level`, `error` (`missed` or `false alarm`),
`class` that it was wrong about, `probability` raw and `calibrated` of that class, `loss` (nat) = -log of what the
calibrated model gave the truth (the raw one, of a class that could not be calibrated), `truth`: all labels of the
slice, joined by "+", or "none".
"""

import numpy as np
import pandas as pd

from hohoho.labels import LABELS
from hohoho.scores.calibration import CLIP

SLICES = 12  # of each error, from as many scans: neighbours would show the same again
MISSED, FALSE_ALARM = "missed", "false alarm"
OWN = ["split", "study", "patient", "index", "level"]
COLUMNS = ["row", *OWN, "error", "class", "probability", "calibrated", "loss", "truth"]


def worst_slices(table: pd.DataFrame, raw: np.ndarray, calibrated: np.ndarray, positive: np.ndarray) -> pd.DataFrame:
    """The table above. table: labelled slices of one split, indexed by row of the slice table; others (slices, 5).

    positive: the answers; what was answered rightly is no error, however unsure.
    """
    truth = table[LABELS].to_numpy() > 0
    said = np.where(np.isfinite(calibrated), calibrated, raw)
    missed = _worst(table, MISSED, np.where(truth & ~positive, said, 1), raw, calibrated)
    alarms = _worst(table, FALSE_ALARM, np.where(~truth & positive, 1 - said, 1), raw, calibrated)
    return pd.concat([missed, alarms], ignore_index=True)[COLUMNS]


def _worst(table: pd.DataFrame, error: str, of_the_truth: np.ndarray, raw, calibrated) -> pd.DataFrame:
    """of_the_truth: (slices, 5) what the truth was given; 1 where this error cannot be."""
    rows, worst = np.arange(len(table)), of_the_truth.argmin(axis=1)
    found = table[OWN].assign(
        row=table.index,
        error=error,
        **{"class": np.array(LABELS, dtype=object)[worst]},
        probability=raw[rows, worst].round(6),
        calibrated=calibrated[rows, worst].round(6),
        loss=-np.log(np.clip(of_the_truth[rows, worst], CLIP, 1)).round(6),
        truth=["+".join(np.array(LABELS)[labels]) or "none" for labels in table[LABELS].to_numpy() > 0],
    )
    ordered = found[found["loss"] > 0].sort_values(["loss", "study", "index"], ascending=[False, True, True])
    return ordered.drop_duplicates("study").head(SLICES)
