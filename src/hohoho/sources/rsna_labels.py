"""The RSNA label file: "ID_<hex>_<subtype>,<0 or 1>", six rows an image, 4.5 million in all."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from hohoho.errors import InputError
from hohoho.labels import LABELS, RSNA_SUBTYPES
from hohoho.scans.scan import REPAIRED, WARNED, Note
from hohoho.sources.csv_bounds import check_bounds
from hohoho.sources.csv_rows import SHOWN_LINES, refuse

ANY = "any"
COLUMNS = ["ID", "Label"]
SUBTYPES = [*RSNA_SUBTYPES, ANY]
NUMBERS = np.array([*map(LABELS.index, RSNA_SUBTYPES.values()), len(LABELS)])  # column of each: LABELS, then any
ID_PATTERN = "^(?P<image>ID_[0-9A-Za-z]+)_(?P<subtype>[^_]+)$"


def read_labels(path: Path) -> tuple[pd.DataFrame, list[Note]]:
    """(table of the five labels, float32, index image id; notes). Raises InputError naming the first bad lines."""
    rows = _read_rows(path)
    if rows.empty:
        raise InputError(f"{path}: no rows of labels below its first line")
    image, subtype, label = _parse(rows, path)
    codes, images = pd.factorize(image, sort=True)
    table, repeated = _spread(codes, subtype, label, len(images), path)
    incomplete = images[np.isnan(table).any(axis=1)]
    if len(incomplete):
        raise InputError(f"{path}: {len(incomplete)} images have fewer than six rows, the first is {incomplete[0]}")
    notes = [Note(REPAIRED, "label_row_twice", item=name) for name in images[repeated]]
    wrong_any = table[:, :-1].max(axis=1) != table[:, -1]
    notes += [Note(WARNED, "any_recomputed", item=name) for name in images[wrong_any]]
    return pd.DataFrame(table[:, :-1], index=pd.Index(images, name="image"), columns=LABELS), notes


def _read_rows(path):
    """The two columns as text. Raises InputError where they are not there."""
    check_bounds(path)
    try:
        return pd.read_csv(path, usecols=COLUMNS, dtype="str", keep_default_na=False, engine="pyarrow")
    except (ValueError, KeyError) as error:  # pyarrow's parser errors are ValueErrors
        raise InputError(
            f"{path}: cannot be read as RSNA labels. Needed is a CSV with the columns {' and '.join(COLUMNS)} and rows "
            f"like ID_0123abcde_epidural,0 ({str(error).splitlines()[0]})"
        ) from error


def _parse(rows, path):
    """(image ids, subtype numbers, labels 0 or 1) of all rows; raises InputError with the first bad lines."""
    parts = pc.extract_regex(pa.array(rows["ID"]), ID_PATTERN)  # pandas' own split takes 15 times as long
    image, name = pc.struct_field(parts, "image"), pc.struct_field(parts, "subtype")
    subtype = pc.index_in(name, pa.array(SUBTYPES)).to_pandas()
    label = rows["Label"].map({"0": 0.0, "1": 1.0, "0.0": 0.0, "1.0": 1.0})
    refuse(parts.is_null().to_numpy(zero_copy_only=False), "an ID that is not ID_<image>_<subtype>", path)
    refuse(subtype.isna(), f"a subtype that is none of {', '.join(SUBTYPES)}", path)
    refuse(label.isna(), "labels not 0 or 1", path)
    return image.to_pandas(), NUMBERS[subtype.to_numpy(int)], label.to_numpy(np.float32)


def _spread(codes, subtype, label, images, path):
    """((images, 6) float32, NaN where no row, columns in the order of LABELS and `any`; images with repeated rows).

    A row that repeats another is dropped; one that contradicts another raises InputError.
    """
    table = np.full((images, len(SUBTYPES)), np.nan, np.float32)
    table[codes, subtype] = label
    contradictions = np.flatnonzero(table[codes, subtype] != label)
    if len(contradictions):
        lines = ", ".join(str(row + 2) for row in contradictions[:SHOWN_LINES])
        raise InputError(f"{path}: {len(contradictions)} rows contradict a later row of the same image: lines {lines}")
    rows_of_image = np.bincount(codes, minlength=images)
    return table, rows_of_image > len(SUBTYPES)
