"""How well saliency finds bleeds whose place is known: pointing game and share inside, beside blind chance."""

import numpy as np
import pandas as pd

from hohoho.labels import LABELS

POSTER_METHOD, UNIFORM = "gradient", "uniform"
METHOD_NAMES = {
    "gradient": "gradient",
    "smoothgrad": "SmoothGrad",
    "integrated_gradients": "integrated gradients",
    "grad_cam": "Grad-CAM",
    UNIFORM: "uniform saliency, by chance",
}
COLUMNS = ["method", "bleeds", "pointing_game", "share_inside", "share_q25", "share_q75", "times_uniform"]
COLUMNS += [f"share_{label}" for label in LABELS]


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


def saliency_scores(maps: dict[str, np.ndarray], masks: np.ndarray, classes: np.ndarray) -> pd.DataFrame:
    """One row per method and one for uniform saliency, means over bleeds; columns as in COLUMNS.

    maps: method → (n, H, W); masks: (n, H, W) bool; classes: (n,) index into LABELS. Empty where n is 0.
    """
    if not len(masks):
        return pd.DataFrame(columns=COLUMNS)
    chance = area_share(masks)
    rows = [_row(name, pointing_hits(m, masks), share_inside(m, masks), chance, classes) for name, m in maps.items()]
    return pd.DataFrame([*rows, _row(UNIFORM, chance, chance, chance, classes)], columns=COLUMNS)


def best_method(scores: pd.DataFrame) -> str | None:
    """The method with the largest share inside, None where nothing was scored."""
    methods = scores[scores["method"] != UNIFORM]
    return None if methods.empty else str(methods.loc[methods["share_inside"].astype(float).idxmax(), "method"])


def _row(method, hits, shares, chance, classes) -> dict:
    low, high = np.quantile(shares, [0.25, 0.75])
    numbers = {
        "pointing_game": hits.mean(),
        "share_inside": shares.mean(),
        "share_q25": low,
        "share_q75": high,
        "times_uniform": shares.mean() / chance.mean(),
    }
    numbers |= {f"share_{label}": shares[classes == c].mean() if (classes == c).any() else np.nan
                for c, label in enumerate(LABELS)}  # fmt: skip
    return {"method": method, "bleeds": len(shares)} | {name: round(float(x), 4) for name, x in numbers.items()}
