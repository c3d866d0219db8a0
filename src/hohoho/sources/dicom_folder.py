"""Any tree of DICOM files, of any depth and names, with or without a CSV of labels."""

import os
from pathlib import Path
from typing import NamedTuple

from hohoho.dicom.header import SliceHeader
from hohoho.errors import InputError
from hohoho.scans.assembly import build_scans
from hohoho.scans.headers import read_headers
from hohoho.scans.scan import SKIPPED, Inventory, Note
from hohoho.sources.label_csv import labels_of, match, read_labels
from hohoho.workers import Workers


def find(
    root: Path,
    labels: Path | None = None,
    max_unmatched_labels: float = 0.0,
    assumed_rescale: tuple[float, float] | None = None,
    preferred_kernel: str | None = None,
    workers: Workers = 1,
    progress: bool = False,
) -> Inventory:
    """All scans below `root`, one a study, headers read.

    labels: CSV with a column SOPInstanceUID or file (path relative to root), or with SeriesInstanceUID and
    InstanceNumber, and the columns ich, ivh, sah, sdh, edh.
    max_unmatched_labels: fraction of its rows that may lack their image. preferred_kernel: part of the name of the
    kernel to take where a study has several series. Raises InputError where root or labels are not as needed.
    """
    root = Path(root)
    table, label_notes = read_labels(labels, root) if labels is not None else (None, [])
    folder = read_folder(root, assumed_rescale, workers, progress)
    unmatched = match(table, folder.headers, root, max_unmatched_labels) if table is not None else []
    scans, scan_notes = build_scans(folder.headers, lambda slices: labels_of(table, slices, root), preferred_kernel)
    return Inventory(scans, label_notes + unmatched + folder.notes + scan_notes, folder.files, str(root))


class Folder(NamedTuple):
    """The usable slices of all DICOM files below a folder."""

    headers: list[SliceHeader]
    notes: list[Note]  # on the files that are none
    files: int


def read_folder(
    root: Path, assumed_rescale: tuple[float, float] | None = None, workers: Workers = 1, progress: bool = False
) -> Folder:
    """All headers below `root`. Raises InputError where it is no folder."""
    if not Path(root).is_dir():
        raise InputError(f"{root} does not exist or is no folder: give the folder that holds the DICOM files")
    paths, notes = list_files(root)
    headers, header_notes = read_headers(paths, workers, assumed_rescale, progress)
    return Folder(headers, notes + header_notes, len(paths) + len(notes))


def list_files(root: Path) -> tuple[list[str], list[Note]]:
    """(paths of the files below `root` that may be images, notes on those that are not looked at), both sorted.

    Linked folders are followed, each real folder is visited once.
    """
    found, closed, visited = [], [], set()
    for folder, subfolders, names in os.walk(root, followlinks=True, onerror=closed.append):
        if (real := os.path.realpath(folder)) in visited:
            subfolders.clear()
            continue
        visited.add(real)
        subfolders.sort()
        begin = os.path.join(folder, "")  # noqa: PTH118 - many files
        found += [begin + name for name in names]
    reasons = {path: _reason_to_skip(path) for path in found}
    reasons |= {error.filename: "unreadable_folder" for error in closed}
    notes = [Note(SKIPPED, reason, item=path) for path, reason in sorted(reasons.items()) if reason]
    return sorted(path for path, reason in reasons.items() if not reason), notes


def _reason_to_skip(path):
    """Why the name of a file alone keeps it out, None where it does not."""
    if path.rpartition(os.sep)[2].startswith("."):
        return "hidden_file"
    return None if path.isascii() or _is_utf8(path) else "name_not_utf8"


def _is_utf8(path):
    try:
        path.encode()
    except UnicodeEncodeError:  # bytes that are no UTF-8 stand in a path as lone surrogates
        return False
    return True
