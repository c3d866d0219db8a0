"""Any tree of DICOM files, of any depth and names, with or without a CSV of labels."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from hohoho.dicom.header import SliceHeader
from hohoho.errors import InputError
from hohoho.labels import unlabelled
from hohoho.scans.assembly import build_scans
from hohoho.scans.headers import read_headers
from hohoho.scans.scan import Inventory, Note
from hohoho.sources.label_csv import image_names, read_labels
from hohoho.sources.listing import list_files
from hohoho.sources.matching import LabelNames, match
from hohoho.sources.request import Request


def find(request: Request) -> Inventory:
    """All scans below `root`, one a study, headers read; unlabelled where there is no CSV of labels.

    The CSV has a column SOPInstanceUID or file (path relative to root), or SeriesInstanceUID and InstanceNumber, and
    the columns ich, ivh, sah, sdh, edh. Raises InputError where root or labels are not as needed.
    """
    root = Path(request.root)
    labels, notes = read_labels(request.labels, root) if request.labels is not None else (None, [])
    folder = read_folder(request)
    notes += folder.notes
    if labels is not None:
        found = dict.fromkeys(image_names(labels, folder.headers, root))
        notes += match(LabelNames(labels.index, "label rows", public=False), found, request.max_unmatched, notes)

    def labels_of(slices):
        if labels is None:
            return unlabelled(len(slices))
        return labels.reindex(image_names(labels, slices, root)).to_numpy(np.float32)

    scans, scan_notes = build_scans(folder.headers, labels_of, request.kernel)
    return Inventory(scans, notes + scan_notes, folder.files, str(root))


class Folder(NamedTuple):
    """The usable slices of all DICOM files below a folder."""

    headers: list[SliceHeader]
    notes: list[Note]  # on the files that are none
    files: int


def read_folder(request: Request) -> Folder:
    """All headers below `root`. Raises InputError where it is no folder, and MissingCodec."""
    root = Path(request.root)
    if not root.is_dir():
        raise InputError(f"{root} does not exist or is no folder: give the folder that holds the DICOM files")
    paths, notes = list_files(root)
    headers, header_notes = read_headers(paths, request.workers, request.rescale, request.progress)
    return Folder(headers, notes + header_notes, len(paths) + len(notes))
