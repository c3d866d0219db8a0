"""The pixels of one new scan, as the models and as people look at them; in a worker process where there are many."""

from typing import NamedTuple

import numpy as np

from hohoho.dicom.hounsfield import AIR_HU
from hohoho.scans.pixels import ReadSlices, read_scan
from hohoho.scans.scan import Scan
from hohoho.scans.windowing import to_square

SIDES = ((64, 256), (160, 160), (np.inf, 96))  # of the pictures in HU, px, up to so many slices: pages stay below 8 MB


class Read(NamedTuple):
    """The slices that could be read, foot to head."""

    slices: ReadSlices
    pixels: np.ndarray  # (n, size, size) uint8, in the models' window
    hu: np.ndarray  # (n, side, side) int16, in the same proportions


def read_new_scan(scan: Scan, image_size: int, window: tuple[float, float]) -> Read:
    """image_size: px, a side of `pixels`. window: center and width, HU."""
    slices, pixels = read_scan(scan, image_size, *window)
    side = next(side for most, side in SIDES if len(slices.kept) <= most)
    pictures = np.empty((len(slices.kept), side, side), np.int16)
    for place, i in enumerate(slices.kept):
        hu = scan.read_slice(scan.images[i])[0].astype(np.float32)
        pictures[place] = np.rint(to_square(hu, scan.spacing_mm[i], side, AIR_HU))
    return Read(slices, pixels, pictures)
