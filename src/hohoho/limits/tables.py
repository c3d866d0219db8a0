"""All that was seen → limits.csv, a line per level, and limits_fits.csv, a line per curve."""

from collections import defaultdict
from typing import NamedTuple

import numpy as np
import pandas as pd

from hohoho.inference.table import MODEL_NAMES
from hohoho.labels import LABELS
from hohoho.limits import curves
from hohoho.limits.conditions import BLOOD_THICKNESS, VOLUME, Factor, factors_of, reference_of
from hohoho.limits.curves import Curve, Scale
from hohoho.limits.detect import Seen
from hohoho.scores.bootstrap import Resampling, resample_weights, unit_weights

SHARES = (0.5, 0.95)
NO_BLOOD = 1e-3  # mL or mm: what a level counts where the slices miss the blood
MEASURED = {VOLUME: "volume_ml", BLOOD_THICKNESS: "thickness_mm"}


class Rules(NamedTuple):
    """How shares, curves and intervals are made."""

    false_alarms: float
    resampling: Resampling


def analysed(seen: list[Seen], rules: Rules) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(levels, fits). seen: of every condition the same heads in the same order, with a bleed and without."""
    conditions = defaultdict(list)
    for one in seen:
        conditions[one.label, one.factor, one.level].append(one)
    levels, fits = [], []
    for label in (name for name in LABELS if any(key[0] == name for key in conditions)):
        for factor in factors_of(label):
            for model in seen[0].scores:
                of_levels, of_curve = _curve(conditions, label, factor, model, rules)
                levels += of_levels
                fits.append(of_curve)
    return pd.DataFrame(levels), pd.DataFrame(fits)


def _curve(conditions: dict, label: str, factor: Factor, model: str, rules: Rules) -> tuple[list[dict], dict]:
    """The lines of both tables for one class, factor and model."""
    bleeding = [conditions[label, factor.name, level] for level in factor.levels]
    bare = [conditions[None, *reference_of(factor.name, level)] for level in factor.levels]
    heads, bare_heads = len(bleeding[0]), len(bare[0])
    weights, bare_weights = _weights(heads, rules.resampling, 0), _weights(bare_heads, rules.resampling, 1)
    column = LABELS.index(label)
    found, measured = [], _measured(factor, bleeding)  # (levels, heads)
    for level_scans, level_bare in zip(bleeding, bare, strict=True):
        own, others = (np.array([one.scores[model][column] for one in of]) for of in (level_scans, level_bare))
        found.append(own[:, None] > curves.threshold(others, bare_weights, rules.false_alarms))
    found = np.array(found)  # (levels, heads, 1 + resamples)
    middle = np.median(measured, axis=1)
    scale = Scale(float(middle.min()), float(middle.max()), factor.is_log, factor.helps)
    u = scale.u(np.maximum(measured, NO_BLOOD) if factor.is_log else measured).ravel()
    fitted = curves.fit(
        u, found.reshape(len(u), -1), np.tile(weights, (len(bleeding), 1)), rules.false_alarms, scale.helps
    )
    counts = found[:, :, 0].sum(axis=1)
    key = {"class": label, "factor": factor.name, "unit": factor.unit}
    of_levels = [
        key
        | {"level": level, "held": int(level == factor.held), "measured": middle[i]}
        | {"volume_ml": float(np.median([one.volume_ml for one in bleeding[i]])), "model": MODEL_NAMES[model]}
        | {"heads": heads, "found": int(counts[i])}
        | dict(zip(("low", "high"), map(float, curves.wilson(counts[i], heads)), strict=True))
        for i, level in enumerate(factor.levels)
    ]
    return of_levels, key | _fit_line(model, heads, bare_heads, rules, scale, fitted)


def _fit_line(model: str, heads: int, bare_heads: int, rules: Rules, scale: Scale, fitted: Curve) -> dict:
    """fitted: the first one is the curve itself, the others its resamples."""
    line = {"model": MODEL_NAMES[model], "heads": heads, "bleed_free_heads": bare_heads}
    line |= {"false_alarms": rules.false_alarms, **scale._asdict()}
    line |= {name: float(values[0]) for name, values in fitted._asdict().items()}
    for share in SHARES:
        limits = curves.limit(fitted, share, rules.false_alarms, scale)
        low, high = curves.percentiles(limits[1:])
        name = f"found_{share:.0%}".rstrip("%")
        line |= {name: float(limits[0]), f"{name}_low": low, f"{name}_high": high}
    return line


def _measured(factor: Factor, bleeding: list[list[Seen]]) -> np.ndarray:
    """(levels, heads) of what varies: for sizes what was drawn, not what was asked for."""
    if factor.name in MEASURED:
        return np.array([[getattr(one, MEASURED[factor.name]) for one in of] for of in bleeding])
    return np.repeat(np.array(factor.levels)[:, None], len(bleeding[0]), axis=1)


def _weights(heads: int, resampling: Resampling, which: int) -> np.ndarray:
    """(heads, 1 + resamples): as they are, then how often each was drawn; `which` of two independent drawings."""
    drawn = resample_weights(heads, resampling._replace(seed=2 * resampling.seed + which))
    return np.vstack([unit_weights(heads), drawn]).T
