"""Data source → its reader: `find(request)` returns an Inventory, headers read and pixels not."""

from collections.abc import Callable

from hohoho.scans.scan import Inventory
from hohoho.sources import course, cq500, ct_ich, dicom_folder, rsna
from hohoho.sources.request import Request

READERS: dict[str, Callable[[Request], Inventory]] = {
    "phantom": rsna.find,  # the phantom is an RSNA tree: one reader for both
    "rsna": rsna.find,
    "dicom": dicom_folder.find,
    "course": course.find,
    "cq500": cq500.find,
    "ct_ich": ct_ich.find,
}
