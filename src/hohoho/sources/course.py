"""The course's data set: 8-bit JPEG slices, one folder per patient, numbered in scan order, and CSVs of labels."""

import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from hohoho.dicom.codestream import has_end, jpeg_size
from hohoho.dicom.header import LARGEST_SIDE
from hohoho.errors import InputError, Unusable
from hohoho.labels import LABELS, unlabelled
from hohoho.scans.scan import SKIPPED, Inventory, Note, Scan
from hohoho.sources.csv_rows import binary_labels, one_row_each, read_rows
from hohoho.sources.direction import foot_to_head
from hohoho.sources.listing import numbered_files, require_layout
from hohoho.sources.matching import LabelNames, match, unmatched
from hohoho.sources.request import Request

TRAIN, TEST, LABEL_FILE, SMALL_FILE = "train", "test", "train.csv", "train_small.csv"
COLUMNS = ("dirname", "ID", *LABELS)
NUMBERED = re.compile(r".*_(\d+)\.jpe?g", re.IGNORECASE)
WHITE = 255  # grey levels of an 8-bit picture above black


def find(request: Request) -> Inventory:
    """All scans: train/<dirname>/<...>_<N>.jpg, test/ likewise and unlabelled, train.csv, train_small.csv.

    The pictures are taken to show `window_hu`, and their spacing to be one slice: no file tells either. Their numbers
    may rise to the head or to the feet, as each scan's pictures tell. Patients of train_small.csv are marked as the
    small set. Raises `InputError` where the layout, a CSV or the fraction of labels without a picture, or of the small
    set's patients without one, is not as needed, before any picture is read.
    """
    root = Path(request.root)
    require_layout(root, (LABEL_FILE, TRAIN), f"{LABEL_FILE} and {TRAIN}/ID_*/*_0.jpg ...")
    labels, notes = read_labels(root / LABEL_FILE)
    scans = [
        scan
        for part in (TRAIN, TEST)
        for folder in sorted((root / part).glob("*/"))
        if (scan := _scan(folder, labels if part == TRAIN else None, request.window_hu, notes))
    ]
    files = sum(len(scan.images) for scan in scans) + sum(note.action == SKIPPED for note in notes)
    found = {f"{scan.study}/{name}": scan.study for scan in scans if not scan.split for name in scan.names}
    notes += match(LabelNames(labels.index, f"rows of {LABEL_FILE}"), found, request.max_unmatched, notes)
    small = _small_set(root / SMALL_FILE, labels, found, request.max_unmatched, notes)
    scans = [replace(scan, small=scan.patient in small) for scan in scans]
    scans, directions = foot_to_head(scans, request.workers, request.progress)
    notes += directions
    test_images = tuple(name for scan in scans if scan.split for name in scan.names)
    return Inventory(scans, notes, files, str(root), test_images)


def read_labels(path: Path) -> tuple[pd.DataFrame, list[Note]]:
    """(the five labels, float32, index "dirname/picture name without ending"; notes on rows that are there twice).

    Raises `InputError` naming bad lines.
    """
    rows = read_rows(path, COLUMNS, f"Needed are {', '.join(COLUMNS)}.")
    pictures = rows["ID"].str.strip().str.replace(r"\.jpe?g$", "", case=False, regex=True)
    names = rows["dirname"].str.strip() + "/" + pictures
    return one_row_each(binary_labels(rows[LABELS], path).set_index(names), "a picture", path)


def read_picture(path: str, window_hu: tuple[float, float]) -> tuple[np.ndarray, tuple[str, ...]]:
    """((rows, columns) float32 HU, no repairs): the grey levels stretched over the window that the picture shows."""
    content = _whole_jpeg(path)
    grey = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise Unusable("undecodable_picture", f"{path}: not a readable JPEG")
    center, width = window_hu
    return grey.astype(np.float32) * np.float32(width / WHITE) + np.float32(center - width / 2), ()


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


def _small_set(
    path: Path, labels: pd.DataFrame, found: dict[str, str], most: float, notes: list[Note]
) -> frozenset[str]:
    """The patients of train_small.csv, whose rows are a part of train.csv's `labels`; none where there is no such file.

    found: picture → patient. What cannot be matched is added to `notes`. Raises `InputError` above the fraction `most`,
    where nothing matches, and where the files contradict each other.
    """
    if not path.is_file():
        return frozenset()
    rows, repeated = read_labels(path)
    both = rows.index.intersection(labels.index)
    contradicting = both[(rows.loc[both] != labels.loc[both]).any(axis=1)]
    if len(contradicting):
        raise InputError(f"{path}: {len(contradicting)} rows contradict {LABEL_FILE}, the first is {contradicting[0]}")
    labelled = {found[name]: None for name in labels.index if name in found}
    patients = dict.fromkeys(name.partition("/")[0] for name in rows.index)
    lack = f"have no picture in {TRAIN}/ that {LABEL_FILE} labels"
    notes += repeated + unmatched(
        LabelNames(tuple(patients), f"patients of {SMALL_FILE}", "patient", lack=lack), labelled, most, notes
    )
    if not patients.keys() & labelled:
        raise InputError(f"{path}: its {len(patients)} patients {lack}, so there is no small set: correct the names")
    return frozenset(patients)


def _scan(folder: Path, labels: pd.DataFrame | None, window_hu: tuple[float, float], notes: list[Note]) -> Scan | None:
    """The pictures of one folder in the order of their numbers, unlabelled where `labels` is None; None without any."""
    order = numbered_files(folder, NUMBERED, notes)
    if not order:
        return None
    names = tuple(Path(path).stem for _, path in order)
    keys = [f"{folder.name}/{name}" for name in names]
    return Scan(
        patient=folder.name,
        study=folder.name,
        images=tuple(path for _, path in order),
        read_slice=partial(read_picture, window_hu=window_hu),
        position_mm=np.array([float(number) for number, _ in order]),
        spacing_mm=np.ones((len(order), 2)),
        step_mm=1.0,
        labels=unlabelled(len(keys)) if labels is None else labels.reindex(keys).to_numpy(np.float32),
        split="test" if labels is None else None,
        names=names,
    )
