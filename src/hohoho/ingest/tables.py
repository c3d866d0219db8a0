"""The rows of the slice table and the study table, and the patients that two names stand for."""

import numpy as np
import pandas as pd

from hohoho.labels import LABELS
from hohoho.pseudonyms import PUBLIC_KEY, pseudonym
from hohoho.scans.geometry import gap_range_mm, wide_gaps
from hohoho.scans.pixels import ReadSlices
from hohoho.scans.scan import Scan
from hohoho.slices.store import SCAN_ANY, SCAN_LABELS

OF_THE_SCAN = ("split", "small", "tilt_deg", "thickness_mm", "kernel", "manufacturer", "age_band", "sex")


def slice_rows(scan: Scan, result: ReadSlices, key: bytes) -> dict[str, np.ndarray]:
    """The rows of the slice table for one scan, those slices that could be read, foot to head; by column."""
    position_mm = scan.position_mm[result.kept]
    index = np.arange(len(result.kept))
    rows = {
        "study": np.array([pseudonym(key, "study", scan.study)] * len(index), object),  # np.full copies each text
        "patient": np.array([pseudonym(key, "patient", scan.patient)] * len(index), object),
        "index": index,
        "position_mm": position_mm,
        "level": index[::-1],
        "gap_before": wide_gaps(position_mm),
        "missing_before": scan.missing_below(result.kept),
    }
    labels = dict(zip(LABELS, scan.labels[result.kept].T, strict=True))
    published = scan.names is not None and key == PUBLIC_KEY
    images = [scan.names[kept] if published else None for kept in result.kept]
    return rows | labels | {"image": np.array(images, object), "pixel_hash": np.array(result.hashes, object)}


def study_row(scan: Scan, rows: dict[str, np.ndarray]) -> dict:
    """The row of the study table for one scan; `rows` are its rows of the slice table."""
    scan_labels = [np.nan] * len(SCAN_LABELS) if scan.scan_labels is None else scan.scan_labels
    return {
        "study": rows["study"][0],
        "patient": rows["patient"][0],
        **dict(zip(SCAN_LABELS, scan_labels, strict=True)),
        SCAN_ANY: scan.scan_any,
        "slices": len(rows["position_mm"]),
        **{f"gap_mm_{name}": gap for name, gap in gap_range_mm(rows["position_mm"]).items()},
        **{name: getattr(scan, name) for name in OF_THE_SCAN},
    }


def join_copies(slices: pd.DataFrame, studies: pd.DataFrame) -> np.ndarray:
    """Gives patients that share a slice's pixels one pseudonym, in both tables: they are one person, anonymised twice.

    So no split can part them. Returns the rows of `studies` whose patient was renamed.
    """
    pairs = slices[["pixel_hash", "patient"]].dropna().drop_duplicates()
    shared = pairs[pairs["pixel_hash"].duplicated(keep=False)]
    joined = {}
    for _, group in shared.groupby("pixel_hash")["patient"]:
        names = {_root(joined, name) for name in group}
        joined.update(dict.fromkeys(names - {min(names)}, min(names)))
    renamed = {name: _root(joined, name) for name in joined}
    affected = np.flatnonzero(studies["patient"].isin(set(renamed)))
    for table in (slices, studies):
        table["patient"] = table["patient"].replace(renamed)
    return affected


def _root(joined, name):
    while name in joined:
        name = joined[name]
    return name
