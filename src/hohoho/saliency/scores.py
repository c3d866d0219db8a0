"""How well saliency finds bleeds whose place is known: pointing game and share inside, beside blind chance."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from hohoho.labels import LABELS
from hohoho.scores.bootstrap import Resampling, interval, resample_weights, sum_by_patient, unit_weights
from hohoho.scores.f2 import ratio

POSTER_METHOD, UNIFORM = "gradient", "uniform"
METHOD_NAMES = {
    "gradient": "gradient",
    "smoothgrad": "SmoothGrad",
    "integrated_gradients": "integrated gradients",
    "grad_cam": "Grad-CAM",
    UNIFORM: "uniform saliency, by chance",
}
GROUPS = ("all", "found", "missed")  # bleeds, by the answer at the row's own threshold
MEANS = ("pointing_game", "share_inside", "times_uniform")  # with an interval over patients
COLUMNS = ["method", "group", "bleeds", "patients"]
COLUMNS += [f"{name}{end}" for name in MEANS for end in ("", "_low", "_high")]
COLUMNS += ["share_q25", "share_q75", *(f"share_{label}" for label in LABELS)]


class Lesions(NamedTuple):
    """n bleeds whose place is known: a slice and a class each."""

    rows: np.ndarray  # (n,) of the slice table
    classes: np.ndarray  # (n,) index into LABELS
    masks: np.ndarray  # (n, H, W) bool
    patients: np.ndarray  # (n,) whose they are


def pointing_hits(maps: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """(n,) whether the map's highest pixel lies in the bleed (Zhang et al. 2016, arXiv:1608.00507; no tolerance).

    maps: (n, H, W) >= 0; masks: (n, H, W) bool. A map of zeros points nowhere.
    """
    flat, inside = maps.reshape(len(maps), -1), masks.reshape(len(masks), -1)
    highest = flat.argmax(axis=1)
    return inside[np.arange(len(flat)), highest] & flat.any(axis=1)


def share_inside(maps: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """(n,) which part of a map's sum lies in the bleed; 0 for a map of zeros. Shapes as in `pointing_hits`."""
    total = maps.sum(axis=(1, 2), dtype=np.float64)
    inside = (maps * masks).sum(axis=(1, 2), dtype=np.float64)
    return np.divide(inside, total, out=np.zeros(len(maps)), where=total > 0)


def area_share(masks: np.ndarray) -> np.ndarray:
    """(n,) the bleed's part of the picture: what uniform saliency, or a random point, would get."""
    return masks.mean(axis=(1, 2))


def saliency_scores(
    maps: dict[str, np.ndarray], lesions: Lesions, found: np.ndarray, resampling: Resampling
) -> pd.DataFrame:
    """One row per method and one for uniform saliency, of all bleeds, those found and those missed.

    Means over bleeds, with intervals over their patients; columns as in COLUMNS. Empty where there is no bleed.
    maps: method → (n, H, W); found: (n,) bool, whether the model answered yes.
    """
    chance = area_share(lesions.masks)
    values = {name: (pointing_hits(m, lesions.masks), share_inside(m, lesions.masks)) for name, m in maps.items()}
    values[UNIFORM] = chance, chance
    rows = [
        {"method": name, "group": group} | _row(hits, shares, chance, lesions, chosen, resampling)
        for group, chosen in zip(GROUPS, (np.full(len(found), True), found, ~found), strict=True)
        if chosen.any()
        for name, (hits, shares) in values.items()
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def best_method(scores: pd.DataFrame) -> str | None:
    """The method with the largest share inside of all bleeds, None where nothing was scored."""
    methods = scores[(scores["method"] != UNIFORM) & (scores["group"] == GROUPS[0])]
    return None if methods.empty else str(methods.loc[methods["share_inside"].astype(float).idxmax(), "method"])


def _row(hits, shares, chance, lesions: Lesions, chosen: np.ndarray, resampling: Resampling) -> dict:
    """Of the chosen bleeds; hits, shares, chance: (n,). No interval where too few patients have one."""
    hits, shares, chance, classes = (values[chosen] for values in (hits, shares, chance, lesions.classes))
    names, patient_index = np.unique(lesions.patients[chosen], return_inverse=True)
    sums = sum_by_patient(np.column_stack([hits, shares, chance, np.ones(len(hits))]), patient_index, len(names))

    def means(weights: np.ndarray) -> dict[str, np.ndarray]:
        hit, share, uniform, bleeds = (weights @ sums).T
        return dict(zip(MEANS, (ratio(hit, bleeds), ratio(share, bleeds), ratio(share, uniform)), strict=True))

    resampled = means(resample_weights(len(names), resampling))
    row = {"bleeds": len(hits), "patients": len(names)}
    for name, (point,) in means(unit_weights(len(names))).items():
        low, high = interval(resampled[name], len(names))
        row |= {name: point, f"{name}_low": low, f"{name}_high": high}
    row |= dict(zip(("share_q25", "share_q75"), np.quantile(shares, [0.25, 0.75]), strict=True))
    for column, label in enumerate(LABELS):
        row[f"share_{label}"] = shares[classes == column].mean() if (classes == column).any() else np.nan
    return {name: value if isinstance(value, int) else round(float(value), 4) for name, value in row.items()}
