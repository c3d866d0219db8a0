"""The RSNA 2019 intracranial hemorrhage challenge, as it is unpacked: stage_2_train, stage_2_test and one CSV."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from hohoho.errors import InputError
from hohoho.scans.assembly import build_scans
from hohoho.scans.headers import read_headers
from hohoho.scans.scan import SKIPPED, WARNED, Inventory, Note
from hohoho.sources.rsna_labels import read_labels
from hohoho.workers import Workers

LABEL_FILE, TRAIN, TEST = "stage_2_train.csv", "stage_2_train", "stage_2_test"


def find(
    root: Path,
    max_unmatched_labels: float,
    assumed_rescale: tuple[float, float] | None = None,
    workers: Workers = 1,
    progress: bool = False,
) -> Inventory:
    """All scans below `root`, headers read. Images of stage_2_test are unlabelled, their studies carry split "test".

    max_unmatched_labels: fraction of the labelled images that may lack their file. Raises InputError where the layout,
    the label file or that fraction is not as needed, before any image is read.
    """
    root = Path(root)
    _check_layout(root)
    labels, notes = read_labels(root / LABEL_FILE)
    train, test = _images(root / TRAIN, notes), _images(root / TEST, notes)
    files = len(train) + len(test) + sum(note.action == SKIPPED for note in notes)
    notes += _match(labels, train, max_unmatched_labels)
    headers, header_notes = read_headers([*train.values(), *test.values()], workers, assumed_rescale, progress)
    scans, scan_notes = build_scans(headers, lambda slices: _labels_of(labels, slices))
    scans = [_with_split(scan) for scan in scans]
    return Inventory(scans, notes + header_notes + scan_notes, files, str(root), tuple(sorted(test)))


def _check_layout(root):
    needed = {"": Path.is_dir, LABEL_FILE: Path.is_file, TRAIN: Path.is_dir}
    for name, exists in needed.items():
        if not exists(root / name):
            raise InputError(
                f"{root / name} does not exist. data.root must be the unpacked RSNA 2019 challenge: a folder "
                f"with {LABEL_FILE} and {TRAIN}/ID_*.dcm."
            )


def _images(folder, notes):
    """Image id (the file name without .dcm) → path, in no particular order; files of other names become notes."""
    if not folder.is_dir():
        return {}
    with os.scandir(folder) as entries:
        paths = {entry.name: entry.path for entry in entries}
    notes += [Note(SKIPPED, "not_named_dcm", item=path) for name, path in paths.items() if not name.endswith(".dcm")]
    return {name[:-4]: path for name, path in paths.items() if name.endswith(".dcm")}


def _match(labels, images, max_unmatched):
    """Notes on labels without an image and images without labels; raises InputError above the accepted fraction."""
    found = pd.Index(sorted(images), dtype="str")
    missing = labels.index.difference(found)
    if len(missing) > max_unmatched * len(labels):
        raise InputError(
            f"{len(missing)} of {len(labels)} images in {LABEL_FILE} have no file in {TRAIN}/, more than the accepted "
            f"fraction {max_unmatched}. Complete the download, or raise data.max_unmatched_labels for a partial copy."
        )
    unlabelled = found.difference(labels.index)
    return [Note(WARNED, "label_without_image", item=image) for image in missing] + [
        Note(WARNED, "image_without_label", item=image) for image in unlabelled
    ]


def _labels_of(labels, headers):
    """(Z, 5) float32; images that the table does not name, such as all of stage_2_test, are NaN."""
    return labels.reindex([Path(header.path).stem for header in headers]).to_numpy(np.float32)


def _with_split(scan):
    """The scan with split "test" where its images lie in stage_2_test."""
    folders = {Path(header.path).parent.name for header in scan.images}
    names = tuple(Path(header.path).stem for header in scan.images)
    if folders == {TRAIN, TEST}:
        raise InputError(f"{names[0]}: its study has images in {TRAIN}/ and in {TEST}/, so it has no split")
    return replace(scan, split="test" if folders == {TEST} else None, names=names)
