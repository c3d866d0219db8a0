"""Which group a slice belongs to: where it lies in the head, and what is known of its study."""

import numpy as np
import pandas as pd

UNKNOWN = "unknown"
QUARTERS = ("1 vertex", "2 upper middle", "3 lower middle", "4 base")  # of the scan's slices
PLAIN = ("manufacturer", "kernel", "age_band", "sex")
BORDERS = {"thickness_mm": (1.5, 3, 5), "tilt_deg": (1, 10, 20)}  # a band ends with its upper border


def slice_groups(table: pd.DataFrame, studies: pd.DataFrame) -> pd.DataFrame:
    """One text column per way of grouping, one row per slice of the table; `unknown` where the study does not say.

    table: slices of whole scans with study and level; studies: the study table.
    """
    facts = studies.set_index("study").reindex(table["study"])
    plain = {name: facts[name].fillna(UNKNOWN).astype(str).to_numpy() for name in PLAIN}
    banded = {name: bands(facts[name].abs().to_numpy(float), borders) for name, borders in BORDERS.items()}
    return pd.DataFrame({"level": _quarters(table), **banded, **plain}, index=table.index)


def bands(values: np.ndarray, borders: tuple[float, ...]) -> np.ndarray:
    """Each value's band as text: "0–1.5", "1.5–3", …, "> 5"; NaN is unknown."""
    names = [f"{low}–{high}" for low, high in zip((0, *borders[:-1]), borders, strict=True)]
    named = np.array([*names, f"> {borders[-1]}"], dtype=object)[np.searchsorted(borders, np.nan_to_num(values))]
    return np.where(np.isfinite(values), named, UNKNOWN)


def _quarters(table: pd.DataFrame) -> np.ndarray:
    """Quarter of the scan by slices from the vertex: thickness and coverage differ, quarters always exist."""
    slices = table.groupby("study")["level"].transform("size").to_numpy()
    return np.array(QUARTERS, dtype=object)[(table["level"].to_numpy() * 4 // slices).clip(0, 3)]
