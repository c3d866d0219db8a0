"""A CSV of labels for a folder of images: one row an image, found by SOP Instance UID or by relative path."""

import os
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from hohoho.csv_bounds import check_bounds
from hohoho.errors import InputError
from hohoho.labels import LABELS
from hohoho.scan import REPAIRED, WARNED, Note

UID_COLUMN, FILE_COLUMN = "SOPInstanceUID", "file"
SHOWN_LINES = 10


def read_labels(path: Path, root: Path) -> tuple[pd.DataFrame, list[Note]]:
    """(the five labels, float32, NaN where a row leaves all five empty, indexed by the column that is the key; notes).

    root: of the images, out of which no path may lead. Raises InputError naming the first ten bad lines.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path} does not exist: data.labels must name a CSV with one row per image")
    check_bounds(path)
    try:
        rows = pd.read_csv(path, dtype="str", keep_default_na=False)
    except ValueError as error:  # pandas' parser errors and bad encodings
        raise InputError(f"{path}: cannot be read as a CSV ({error})") from None
    key = UID_COLUMN if UID_COLUMN in rows else FILE_COLUMN
    missing = [name for name in (key, *LABELS) if name not in rows]
    if missing:
        raise InputError(
            f"{path}: no column {', '.join(missing)}. Needed are {UID_COLUMN} or {FILE_COLUMN} (path relative to "
            f"data.root) and {', '.join(LABELS)}, each 0 or 1, all five empty where an image is unlabelled."
        )
    values = rows[list(LABELS)].map({"0": 0.0, "1": 1.0, "": np.nan}.get)
    values = values.where(values.notna(), np.nan).astype("float32")
    given = rows[list(LABELS)].ne("")
    _refuse((values.isna() & given).any(axis=1) | (given.any(axis=1) & ~given.all(axis=1)), "labels not 0 or 1", path)
    _refuse(~_is_inside(rows[key], root) if key == FILE_COLUMN else rows[key].eq(""), f"an unusable {key}", path)
    return _one_row_each(values.set_index(rows[key].rename(key)), path)


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
    repeated = table.reset_index().duplicated().to_numpy()
    _refuse(table.index.duplicated() & ~repeated, "an image named twice with different labels", path)
    return table[~repeated], [Note(REPAIRED, "label_row_twice", item=name) for name in table.index[repeated]]


def _refuse(bad, what, path):
    lines = np.flatnonzero(bad) + 2  # line 1 is the header
    if len(lines):
        shown = ", ".join(map(str, lines[:SHOWN_LINES]))
        raise InputError(f"{path}: {len(lines)} rows with {what}: lines {shown}")


def keys(table: pd.DataFrame, headers: list, root: Path) -> list[str]:
    """What the label table calls each of these images."""
    if table.index.name == UID_COLUMN:
        return [header.sop_uid for header in headers]
    return [Path(header.path).relative_to(root).as_posix() for header in headers]


def labels_of(table: pd.DataFrame | None, headers: list, root: Path) -> np.ndarray:
    """(Z, 5) float32, NaN for images that the table does not name or where there is no table."""
    if table is None:
        return np.full((len(headers), len(LABELS)), np.nan, np.float32)
    return table.reindex(keys(table, headers, root)).to_numpy(np.float32)


def match(table: pd.DataFrame, headers: list, root: Path, max_unmatched: float) -> list[Note]:
    """Notes on labels without a usable image and images without labels; InputError above the accepted fraction."""
    named = pd.Index(keys(table, headers, root), dtype="str")
    missing, unlabelled = table.index.difference(named), named.difference(table.index)
    if len(missing) > max_unmatched * len(table):
        raise InputError(
            f"{len(missing)} of {len(table)} label rows name no usable image below {root}, more than the accepted "
            f"fraction {max_unmatched}. Correct them or raise data.max_unmatched_labels."
        )
    return [Note(WARNED, "label_without_image", item=name) for name in missing] + [
        Note(WARNED, "image_without_label", item=name) for name in unlabelled
    ]
