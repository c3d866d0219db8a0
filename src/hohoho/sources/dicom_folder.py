"""Any tree of DICOM files, of any depth and names, with or without a CSV of labels."""

import os
from pathlib import Path

from hohoho.errors import InputError
from hohoho.scan import SKIPPED, Inventory, Note
from hohoho.sources.dicom_scans import build_scans, read_headers
from hohoho.sources.label_csv import labels_of, match, read_labels


def find(
    root: Path,
    labels: Path | None = None,
    max_unmatched_labels: float = 0.0,
    assumed_rescale: tuple[float, float] | None = None,
    preferred_kernel: str | None = None,
    workers: int | str = 1,
    progress: bool = False,
) -> Inventory:
    """All scans below `root`, one a study, headers read.

    labels: CSV with a column SOPInstanceUID or file (path relative to root) and the columns ich, ivh, sah, sdh, edh.
    max_unmatched_labels: fraction of its rows that may lack their image. preferred_kernel: part of the name of the
    kernel to take where a study has several series. Raises InputError where root or labels are not as needed.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f"{root} does not exist or is no folder: give the folder that holds the DICOM files")
    table = read_labels(labels) if labels is not None else None
    paths = list_files(root)
    visible = [path for path in paths if not os.path.basename(path).startswith(".")]  # noqa: PTH119 - many files
    notes = [Note(SKIPPED, "hidden_file", item=path) for path in sorted(set(paths) - set(visible))]
    headers, header_notes = read_headers(visible, workers, assumed_rescale, progress)
    if table is not None:
        notes += match(table, headers, root, max_unmatched_labels)
    scans, scan_notes = build_scans(headers, lambda slices: labels_of(table, slices, root), preferred_kernel)
    return Inventory(scans, notes + header_notes + scan_notes, len(paths), str(root))


def list_files(root: Path) -> list[str]:
    """Paths of all files below `root`, sorted; linked folders are followed, each real folder is visited once."""
    found, visited = [], set()
    for folder, subfolders, names in os.walk(root, followlinks=True, onerror=_refuse_folder):
        visited.add(os.path.realpath(folder))
        subfolders[:] = sorted(name for name in subfolders if os.path.realpath(Path(folder, name)) not in visited)
        found += [os.path.join(folder, name) for name in names]  # noqa: PTH118 - many files
    return sorted(found)


def _refuse_folder(error):
    raise InputError(f"{error.filename}: {error.strerror}; every folder below data.root must be readable") from error
