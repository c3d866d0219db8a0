"""The RSNA 2019 intracranial hemorrhage challenge, as it is unpacked: stage_2_train, stage_2_test and one CSV."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from hohoho.errors import InputError
from hohoho.scans.assembly import build_scans
from hohoho.scans.headers import read_headers
from hohoho.scans.scan import SKIPPED, Inventory, Note, Scan
from hohoho.sources.listing import list_folder, require_layout
from hohoho.sources.matching import LabelNames, match
from hohoho.sources.request import Request
from hohoho.sources.rsna_labels import read_labels

LABEL_FILE, TRAIN, TEST = "stage_2_train.csv", "stage_2_train", "stage_2_test"
NEEDED = f"the unpacked RSNA 2019 challenge, {LABEL_FILE} and {TRAIN}/ID_*.dcm"
IMAGE_FILE = re.compile(r".+\.dcm|ID_[0-9A-Z]+", re.IGNORECASE)  # some tools change or drop the ending


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
