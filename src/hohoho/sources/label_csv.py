"""A CSV of labels for a folder of images: one row an image, found by SOP Instance UID, by relative path, or by series
and instance number."""

import os
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from hohoho.errors import InputError
from hohoho.labels import LABELS
from hohoho.scans.scan import REPAIRED, WARNED, Note
from hohoho.sources.csv_rows import binary, read_rows, refuse, require_columns

UID, FILE, SERIES, NUMBER = "SOPInstanceUID", "file", "SeriesInstanceUID", "InstanceNumber"
KEYS = ((UID,), (FILE,), (SERIES, NUMBER))  # the first whose columns are all there names the images
NEEDED = (
    f"Needed are {UID}, or {FILE} (path relative to data.root), or {SERIES} and {NUMBER}, and {', '.join(LABELS)}, "
    "each 0 or 1, all five empty where an image is unlabelled."
)


def read_labels(path: Path, root: Path) -> tuple[pd.DataFrame, list[Note]]:
    """(the five labels, float32, NaN where a row leaves all five empty, indexed by the column that is the key; notes).

    root: of the images, out of which no path may lead. Raises InputError naming the first ten bad lines.
    """
    rows = read_rows(path)
    key = next((columns for columns in KEYS if set(columns) <= set(rows)), KEYS[0])
    require_columns(rows, (*key, *LABELS), path, NEEDED)
    values, given = binary(rows[LABELS]), rows[LABELS].ne("")
    refuse((values.isna() & given).any(axis=1) | (given.any(axis=1) & ~given.all(axis=1)), "labels not 0 or 1", path)
    usable = {UID: _is_named, FILE: partial(_is_inside, root=root), SERIES: _is_named, NUMBER: _is_number}
    for column in key:
        refuse(~usable[column](rows[column]), f"an unusable {column}", path)
    names = rows[SERIES] + "/" + rows[NUMBER].astype(int).astype(str) if key == (SERIES, NUMBER) else rows[key[0]]
    return _one_row_each(values.set_index(names.rename(key[0])), path)


def _is_named(names):
    return names.ne("")


def _is_number(texts):
    return texts.str.fullmatch(r"-?\d{1,12}")


def _is_inside(names, root):
    """Whether each is a relative path that stays below the root, wherever links lead."""
    real = Path(os.path.realpath(root))
    return names.map(lambda name: bool(name) and "\0" not in name and _stays_below(PurePosixPath(name), real))


def _stays_below(path, root):
    if path.is_absolute() or ".." in path.parts:
        return False
    return Path(os.path.realpath(root / path)).is_relative_to(root)


def _one_row_each(table, path):
    """(table without repeated rows, notes on them); rows that contradict each other raise InputError."""
    repeats = table.reset_index().duplicated().to_numpy()
    refuse(table.index.duplicated() & ~repeats, "an image named twice with different labels", path)
    return table[~repeats], [Note(REPAIRED, "label_row_twice", item=name) for name in table.index[repeats]]


def keys(table: pd.DataFrame, headers: list, root: Path) -> list[str]:
    """What the label table calls each of these images."""
    if table.index.name == UID:
        return [header.sop_uid for header in headers]
    if table.index.name == SERIES:
        return [f"{header.series_uid}/{header.instance}" for header in headers]
    return [Path(header.path).relative_to(root).as_posix() for header in headers]


def labels_of(table: pd.DataFrame | None, headers: list, root: Path) -> np.ndarray:
    """(Z, 5) float32, NaN for images that the table does not name or where there is no table."""
    if table is None:
        return np.full((len(headers), len(LABELS)), np.nan, np.float32)
    return table.reindex(keys(table, headers, root)).to_numpy(np.float32)


def match(table: pd.DataFrame, headers: list, root: Path, max_unmatched: float) -> list[Note]:
    """Notes on labels without a usable image and images without labels.

    Raises InputError above the accepted fraction, and where one row names several images.
    """
    named = pd.Index(keys(table, headers, root), dtype="str")
    ambiguous = named[named.duplicated()].intersection(table.index)
    if len(ambiguous):
        raise InputError(
            f"{len(ambiguous)} label rows name several images each: the {NUMBER} repeats within its series, so name "
            f"these images by {UID}"
        )
    missing, unlabelled = table.index.difference(named), named.difference(table.index)
    if len(missing) > max_unmatched * len(table):
        raise InputError(
            f"{len(missing)} of {len(table)} label rows name no usable image below {root}, more than the accepted "
            f"fraction {max_unmatched}. Correct them or raise data.max_unmatched_labels."
        )
    return [Note(WARNED, "label_without_image", item=name) for name in missing] + [
        Note(WARNED, "image_without_label", item=name) for name in unlabelled
    ]
