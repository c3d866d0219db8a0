"""The RSNA 2019 intracranial hemorrhage challenge, as it is unpacked: stage_2_train, stage_2_test and one CSV.

The CSV has six rows an image, 4.5 million in all: "ID_<hex>_<subtype>,<0 or 1>".
"""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from hohoho.errors import InputError
from hohoho.labels import LABELS, RSNA_SUBTYPES
from hohoho.scans.assembly import build_scans
from hohoho.scans.headers import read_headers
from hohoho.scans.scan import SKIPPED, WARNED, Inventory, Note, Scan
from hohoho.sources.csv_rows import binary_labels, one_row_each, read_rows, refuse
from hohoho.sources.listing import list_folder, require_layout
from hohoho.sources.matching import LabelNames, match
from hohoho.sources.request import Request

LABEL_FILE, TRAIN, TEST = "stage_2_train.csv", "stage_2_train", "stage_2_test"
NEEDED = f"the unpacked RSNA 2019 challenge, {LABEL_FILE} and {TRAIN}/ID_*.dcm"
IMAGE_FILE = re.compile(r".+\.dcm|ID_[0-9A-Z]+", re.IGNORECASE)  # some tools change or drop the ending
COLUMNS = ["ID", "Label"]
ROWS_NEEDED = f"Needed are the columns {' and '.join(COLUMNS)} and rows like ID_0123abcde_epidural,0."
SUBTYPES = [*RSNA_SUBTYPES, "any"]
PLACES = np.array([*map(LABELS.index, RSNA_SUBTYPES.values()), len(LABELS)])  # of each in the order of LABELS, then any
ID_PATTERN = r"^\s*(?P<image>ID_[0-9A-Za-z]+)_(?P<subtype>[^_\s]+)\s*$"


def find(request: Request) -> Inventory:
    """All scans of the challenge, headers read. Those of stage_2_test are unlabelled and carry split "test".

    Raises InputError where the layout, the label file or the fraction of labels without an image is not as needed:
    before any image is read, if the names alone tell.
    """
    root = Path(request.root)
    require_layout(root, (LABEL_FILE, TRAIN), NEEDED)
    labels, notes = read_labels(root / LABEL_FILE)
    train = _images(root / TRAIN, notes)
    test = _images(root / TEST, notes) if (root / TEST).exists() else []
    files = len(train) + len(test) + sum(note.action == SKIPPED for note in notes)
    found = dict.fromkeys(Path(path).stem for path in train)
    names = LabelNames(labels.index, f"images in {LABEL_FILE}")
    match_notes = match(names, found, request.max_unmatched, notes)  # before hundreds of thousands of files are read
    headers, header_notes = read_headers(train + test, request.workers, request.rescale, request.progress)
    usable = dict.fromkeys(Path(header.path).stem for header in headers)
    match(names, usable, request.max_unmatched, notes + header_notes)
    notes += match_notes
    scans, scan_notes = build_scans(
        headers, lambda slices: labels.reindex([Path(header.path).stem for header in slices]).to_numpy(np.float32)
    )
    scans = [_with_split(scan) for scan in scans]
    test_images = tuple(sorted(Path(path).stem for path in test))
    return Inventory(scans, notes + header_notes + scan_notes, files, str(root), test_images)


def read_labels(path: Path) -> tuple[pd.DataFrame, list[Note]]:
    """(table of the five labels, float32, index image id; notes). Raises InputError naming the first bad lines."""
    rows = read_rows(path, COLUMNS, ROWS_NEEDED)
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


def _images(folder: Path, notes: list[Note]) -> list[str]:
    """Paths of the images in a folder; whatever else lies there becomes `notes`."""
    paths = list_folder(folder, notes)
    images = [path for path in paths if IMAGE_FILE.fullmatch(path, len(str(folder)) + 1)]
    for path in set(paths).difference(images):
        notes.append(Note(SKIPPED, "subfolder" if Path(path).is_dir() else "not_named_dcm", item=path))
    return images


def _with_split(scan: Scan) -> Scan:
    """The scan with split "test" where its images lie in stage_2_test."""
    folders = {Path(header.path).parent.name for header in scan.images}
    names = tuple(Path(header.path).stem for header in scan.images)
    if folders == {TRAIN, TEST}:
        raise InputError(f"{names[0]}: its study has images in {TRAIN}/ and in {TEST}/, so it has no split")
    return replace(scan, split="test" if folders == {TEST} else None, names=names)
