"""A CSV of labels for a folder of images: one row an image, found by SOP Instance UID, by relative path, or by series
and instance number."""

import os
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath

import pandas as pd

from hohoho.dicom.header import SliceHeader
from hohoho.errors import InputError
from hohoho.labels import LABELS
from hohoho.scans.scan import Note
from hohoho.sources.csv_rows import binary_labels, one_row_each, read_rows, refuse, whole_numbers

UID, FILE, SERIES, NUMBER = "SOPInstanceUID", "file", "SeriesInstanceUID", "InstanceNumber"
KEYS = ((UID,), (FILE,), (SERIES, NUMBER))  # the first whose columns are all there names the images
NEEDED = (
    f"Needed are {UID}, or {FILE} (path relative to data.root), or {SERIES} and {NUMBER}, and {', '.join(LABELS)}, "
    "each 0 or 1, all five empty where an image is unlabelled."
)
USABLE_PATH = 'a path is relative to data.root, without "..", and means one file; '


def read_labels(path: Path, root: Path) -> tuple[pd.DataFrame, list[Note]]:
    """(the five labels, float32, NaN where a row leaves all five empty, indexed by the column that is the key; notes).

    root: of the images, out of which no path may lead. Raises InputError naming the first ten bad lines.
    """
    rows = read_rows(path, LABELS, NEEDED)
    key = next((columns for columns in KEYS if set(columns) <= set(rows)), None)
    if key is None:
        raise InputError(f"{path}: no column that names the images. {NEEDED}")
    values = binary_labels(rows[LABELS], path, may_be_empty=True)
    names = rows[key[0]].str.strip()
    if key == (FILE,):
        names = rows[FILE].map(partial(_below, root=Path(os.path.realpath(root))))
    refuse(names.eq(""), f"an unusable {key[0]}", path, USABLE_PATH if key == (FILE,) else "")
    if key == (SERIES, NUMBER):
        names = names + "/" + whole_numbers(rows[NUMBER], f"an unusable {NUMBER}", path).astype(str)
    return one_row_each(values.set_index(names.rename(key[0])), "an image", path)


def _below(name: str, root: Path) -> str:
    """The path as `image_names` writes it, "a\\b" and "./a//b" as "a/b"; "" where it is none below `root`, wherever
    links lead, or where it means two files."""
    as_given, path = PurePosixPath(name), PurePosixPath(name.replace("\\", "/").strip())
    has_drive = bool(PureWindowsPath(name).drive) and not os.path.lexists(root / as_given)
    is_absolute = path.is_absolute() or PureWindowsPath(name).is_absolute() or has_drive
    if is_absolute or not path.parts or ".." in path.parts:
        return ""
    if as_given != path and os.path.lexists(root / as_given):  # on Linux a name may hold backslashes
        if os.path.lexists(root / path):
            return ""
        path = as_given
    return str(path) if Path(os.path.realpath(root / path)).is_relative_to(root) else ""


def image_names(table: pd.DataFrame, headers: list[SliceHeader], root: Path) -> list[str]:
    """What the label table calls each of these images. Raises InputError where a row names several of them."""
    if table.index.name == FILE:
        names = [Path(header.path).relative_to(root).as_posix() for header in headers]
    elif table.index.name == UID:
        names = [header.sop_uid for header in headers]
    else:
        names = [f"{header.series_uid}/{header.instance}" for header in headers]
    several = pd.Index(names, dtype="str")
    ambiguous = several[several.duplicated()].intersection(table.index)
    if len(ambiguous):
        raise InputError(
            f"{len(ambiguous)} label rows name several images each: the {NUMBER} repeats within its series, so name "
            f"these images by {UID}"
        )
    return names
