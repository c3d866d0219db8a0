"""The course's data set: 8-bit JPEG slices, one folder per patient, numbered in scan order, and CSVs of labels."""

import re
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from hohoho.dicom.codestream import has_end, jpeg_size
from hohoho.errors import InputError, Unusable
from hohoho.labels import LABELS
from hohoho.scans.scan import REPAIRED, SKIPPED, WARNED, Inventory, Note, Scan
from hohoho.sources.csv_rows import read_rows, require_columns

TRAIN, TEST, LABEL_FILE, SMALL_FILE = "train", "test", "train.csv", "train_small.csv"
COLUMNS = ("dirname", "ID", *LABELS)
NUMBERED = re.compile(r".*_(\d+)\.jpe?g", re.IGNORECASE)
LARGEST_SIDE = 4096  # pixels
WHITE = 255  # grey levels of an 8-bit picture above black


def find(root: Path, max_unmatched_labels: float, window_hu: tuple[float, float]) -> Inventory:
    """All scans below `root`: train/<dirname>/<...>_<N>.jpg, test/ likewise and unlabelled, train.csv, train_small.csv.

    The pictures are taken to show `window_hu` (center, width), and their spacing to be one slice: no file tells either.
    Patients of train_small.csv are marked as the small set. Raises `InputError` where the layout, a CSV or the fraction
    of labels without a picture is not as needed, before any picture is read.
    """
    root = Path(root)
    for name in (LABEL_FILE, TRAIN):
        if not (root / name).exists():
            raise InputError(f"{root / name} does not exist: data.root needs {LABEL_FILE} and {TRAIN}/ID_*/*_0.jpg ...")
    labels, notes = read_labels(root / LABEL_FILE)
    small = set()
    if (root / SMALL_FILE).is_file():
        small = set(read_labels(root / SMALL_FILE)[0].index.get_level_values(0))
    scans = [
        scan
        for part in (TRAIN, TEST)
        for folder in sorted((root / part).glob("*/"))
        if (scan := _scan(folder, labels if part == TRAIN else None, small, window_hu, notes))
    ]
    notes += _match(labels, scans, max_unmatched_labels)
    files = sum(len(scan.images) for scan in scans) + sum(note.action == SKIPPED for note in notes)
    test_images = tuple(name for scan in scans if scan.split for name in scan.names)
    return Inventory(scans, notes, files, str(root), test_images)


def read_labels(path: Path) -> tuple[pd.DataFrame, list[Note]]:
    """(the five labels, float32, index (dirname, picture name without ending); notes on rows that are there twice).

    Raises `InputError` naming bad lines.
    """
    rows = read_rows(path)
    require_columns(rows, COLUMNS, path, f"Needed are {', '.join(COLUMNS)}.")
    bad = ~rows[LABELS].isin(["0", "1"]).all(axis=1)
    index = pd.MultiIndex.from_arrays(
        [rows["dirname"], rows["ID"].str.replace(r"\.jpe?g$", "", case=False, regex=True)]
    )
    table = rows[LABELS].set_index(index)
    repeated = table.reset_index().duplicated().to_numpy()
    bad |= index.duplicated() & ~repeated
    if bad.any():
        lines = ", ".join(map(str, np.flatnonzero(bad)[:10] + 2))
        raise InputError(
            f"{path}: {bad.sum()} rows contradict an earlier one or have labels that are not 0 or 1: lines {lines}"
        )
    notes = [Note(REPAIRED, "label_row_twice", item="/".join(key)) for key in index[repeated]]
    return table[~repeated].astype("float32"), notes


def read_picture(path: str, window_hu: tuple[float, float]) -> tuple[np.ndarray, tuple[str, ...]]:
    """((rows, columns) float32 HU, no repairs): the grey levels stretched over the window that the picture shows."""
    content = _whole_jpeg(path)
    grey = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise Unusable("undecodable_picture", f"{path}: not a readable JPEG")
    center, width = window_hu
    return grey.astype(np.float32) * np.float32(width / WHITE) + np.float32(center - width / 2), ()


def entries(folder: Path, notes: list[Note]) -> list[Path]:
    """What lies in a folder, sorted; nothing where it may not be listed, which becomes one of `notes`."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        notes.append(Note(SKIPPED, "unreadable_folder", item=str(folder)))
        return []


def _whole_jpeg(path: str) -> bytes:
    """What a decoder may be given: a decoder fills in what is cut off, and takes the memory that a header asks for."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise Unusable("unreadable", f"{path}: {error.strerror}") from error
    size = jpeg_size(content)
    if size is None or not 0 < min(size) <= max(size) <= LARGEST_SIDE:
        raise Unusable("undecodable_picture", f"{path}: no JPEG of up to {LARGEST_SIDE} pixels a side")
    if not has_end(content):
        raise Unusable("truncated_pixels", f"{path}: the picture has no end")
    return content


def _scan(folder: Path, labels: pd.DataFrame | None, small: set[str], window_hu, notes: list[Note]) -> Scan | None:
    """The pictures of one folder in the order of their numbers; what carries no number becomes a note."""
    numbered = {path: NUMBERED.fullmatch(path.name) for path in entries(folder, notes)}
    notes += [Note(SKIPPED, "no_number_in_name", item=str(path)) for path, match in numbered.items() if not match]
    order = sorted((int(match[1]), path) for path, match in numbered.items() if match)
    if not order:
        return None
    names = tuple(path.stem for _, path in order)
    known = np.full((len(order), len(LABELS)), np.nan, np.float32)
    if labels is not None:
        known = labels.reindex([(folder.name, name) for name in names]).to_numpy(np.float32)
        notes += [Note(WARNED, "image_without_label", folder.name) for row in known if np.isnan(row).any()]
    return Scan(
        patient=folder.name,
        study=folder.name,
        images=tuple(str(path) for _, path in order),
        read_slice=partial(read_picture, window_hu=window_hu),
        position_mm=np.array([float(number) for number, _ in order]),
        spacing_mm=np.ones((len(order), 2)),
        labels=known,
        split="test" if labels is None else None,
        names=names,
        small=folder.name in small,
    )


def _match(labels: pd.DataFrame, scans: list[Scan], max_unmatched: float) -> list[Note]:
    found = {(scan.patient, name) for scan in scans for name in scan.names}
    missing = [key for key in labels.index if key not in found]
    if len(missing) > max_unmatched * len(labels):
        raise InputError(
            f"{len(missing)} of {len(labels)} rows of {LABEL_FILE} have no picture in {TRAIN}/, first {missing[0]}: "
            f"complete the download, or raise data.max_unmatched_labels"
        )
    return [Note(WARNED, "label_without_image", item="/".join(key)) for key in missing]
