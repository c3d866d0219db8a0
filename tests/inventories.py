"""What the readers of the data sources find, asked in few words."""

from pathlib import Path

from hohoho.scans.scan import Inventory
from hohoho.sources.readers import READERS
from hohoho.sources.request import Request


def find_in(source: str, root: Path, max_unmatched: float = 0.0, **options) -> Inventory:
    """The scans of a data set; its pictures are taken to show the brain window."""
    return READERS[source](Request(root, max_unmatched=max_unmatched, **{"window_hu": (40.0, 80.0), **options}))


def find(root: Path, labels: Path | None = None, **options) -> Inventory:
    """The scans of a folder of DICOM files."""
    return find_in("dicom", root, labels=labels, **options)
