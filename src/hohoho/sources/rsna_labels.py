"""The RSNA label file: "ID_<hex>_<subtype>,<0 or 1>", six rows an image, 4.5 million in all."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from hohoho.errors import InputError
from hohoho.labels import LABELS, RSNA_SUBTYPES
from hohoho.scans.scan import WARNED, Note
from hohoho.sources.csv_rows import binary_labels, one_row_each, read_rows, refuse

COLUMNS = ["ID", "Label"]
NEEDED = f"Needed are the columns {' and '.join(COLUMNS)} and rows like ID_0123abcde_epidural,0."
SUBTYPES = [*RSNA_SUBTYPES, "any"]
PLACES = np.array([*map(LABELS.index, RSNA_SUBTYPES.values()), len(LABELS)])  # of each in the order of LABELS, then any
ID_PATTERN = r"^\s*(?P<image>ID_[0-9A-Za-z]+)_(?P<subtype>[^_\s]+)\s*$"


def read_labels(path: Path) -> tuple[pd.DataFrame, list[Note]]:
    """(table of the five labels, float32, index image id; notes). Raises InputError naming the first bad lines."""
    rows = read_rows(path, COLUMNS, NEEDED)
    image, place = _parse(rows["ID"], path)
    codes, images = pd.factorize(image, sort=True)
    labels = binary_labels(rows[["Label"]], path).set_index(codes * len(SUBTYPES) + place)
    labels, repeats = one_row_each(labels, "an image and subtype", path)
    table = np.full((len(images), len(SUBTYPES)), np.nan, np.float32)
    table.flat[labels.index] = labels["Label"]
    incomplete = images[np.isnan(table).any(axis=1)]
    if len(incomplete):
        raise InputError(f"{path}: {len(incomplete)} images have fewer than six rows, the first is {incomplete[0]}")
    notes = [note._replace(item=images[note.item // len(SUBTYPES)]) for note in repeats]
    wrong_any = table[:, :-1].max(axis=1) != table[:, -1]
    notes = [*dict.fromkeys(notes), *(Note(WARNED, "any_recomputed", item=name) for name in images[wrong_any])]
    return pd.DataFrame(table[:, :-1], index=pd.Index(images, name="image"), columns=LABELS), notes


def _parse(ids: pd.Series, path: Path) -> tuple[pd.Series, np.ndarray]:
    """(image ids, places of their subtypes in a row of the table); raises InputError with the first bad lines."""
    parts = pc.extract_regex(pa.array(ids), ID_PATTERN)  # pandas' own split takes 15 times as long
    refuse(parts.is_null().to_numpy(zero_copy_only=False), "an ID that is not ID_<image>_<subtype>", path)
    subtype = pc.index_in(pc.struct_field(parts, "subtype"), pa.array(SUBTYPES)).to_pandas()
    refuse(subtype.isna(), f"a subtype that is none of {', '.join(SUBTYPES)}", path)
    return pc.struct_field(parts, "image").to_pandas(), PLACES[subtype.to_numpy(int)]
