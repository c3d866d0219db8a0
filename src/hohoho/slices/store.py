"""The slice store: uint8 pixels in memory-mapped shards, one table of slices, one of studies, and what they are."""

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from hohoho.files import write_json
from hohoho.labels import LABELS

SCAN_LABELS, SCAN_ANY = [f"scan_{name}" for name in LABELS], "scan_any"
SLICES, STUDIES, TEST_IMAGES = "slices.parquet", "studies.parquet", "test_images.parquet"
STORE = "store.json"  # source, image_size (px), window_center_hu, window_width_hu

SLICE_COLUMNS = {
    "study": "str",  # pseudonym; the slices of a study are contiguous, studies sorted by pseudonym
    "patient": "str",  # pseudonym
    "index": "int32",  # 0.. within the study, foot to head
    "position_mm": "float64",  # along the normal of the slices, rising to the head
    "level": "int32",  # counted from the vertex, which is 0
    "gap_before": "bool",  # the gap below this slice is more than 1.5 times the study's median
    "missing_before": "bool",  # a slice is missing below this one: not readable, or the gap is too wide for the step
    **dict.fromkeys(LABELS, "float32"),  # NaN where unlabelled
    "image": "str",  # published name of the image, null for private data
    "pixel_hash": "str",  # of the HU values, in hex
}
STUDY_COLUMNS = {
    "study": "str",
    "patient": "str",
    "split": "str",  # null, or the split that the data set itself imposes
    "small": "bool",  # in the data set's own small labelled set
    **dict.fromkeys(SCAN_LABELS, "float32"),  # of the scan as a whole, NaN where only slices are labelled, or nothing
    SCAN_ANY: "float32",  # any bleed in the scan: known also where readers agree on a bleed and on no type
    "slices": "int32",
    "tilt_deg": "float64",
    "gap_mm_min": "float64",
    "gap_mm_median": "float64",
    "gap_mm_max": "float64",
    "thickness_mm": "float64",
    "kernel": "str",
    "manufacturer": "str",
    "age_band": "str",
    "sex": "str",
}


class SlicePixels:
    """The pixels of a store: row i belongs to row i of the slice table. Memory-mapped, read-only, safe to pickle."""

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        maps = [np.load(path, mmap_mode="r", allow_pickle=False) for path in shard_files(self.folder)]
        self.shards = [each.view(np.ndarray) for each in maps]  # np.memmap's own indexing costs more than the copy
        if not self.shards:
            raise FileNotFoundError(f"{self.folder}: no pixels-*.npy, so no slice store; run the stage ingest")
        self.starts = np.cumsum([0] + [len(shard) for shard in self.shards])

    def __len__(self) -> int:
        return int(self.starts[-1])

    def __reduce__(self):
        return SlicePixels, (self.folder,)  # a worker opens its own maps instead of getting a copy of the pixels

    @property
    def image_size(self) -> int:
        """Pixels a side."""
        return self.shards[0].shape[1]

    def take(self, indices) -> np.ndarray:
        """(n, size, size) uint8 of the rows `indices`, in their order. Raises IndexError outside of 0..len - 1."""
        rows = np.asarray(indices, dtype=np.int64).reshape(-1)
        if len(rows) and (rows.min() < 0 or rows.max() >= len(self)):
            raise IndexError(f"rows {rows.min()}..{rows.max()} of a store of {len(self)} slices")
        taken = np.empty((len(rows), *self.shards[0].shape[1:]), np.uint8)
        shard_of = np.searchsorted(self.starts, rows, side="right") - 1
        within = rows - self.starts[shard_of]
        for place, (number, row) in enumerate(zip(shard_of, within, strict=True)):
            taken[place] = self.shards[number][row]
        return taken


def read_slice_table(folder: Path) -> pd.DataFrame:
    """One row a slice, in the order of the pixels; columns and units as in SLICE_COLUMNS."""
    return pd.read_parquet(Path(folder) / SLICES)


def read_study_table(folder: Path) -> pd.DataFrame:
    """One row a study, sorted by pseudonym; columns and units as in STUDY_COLUMNS."""
    return pd.read_parquet(Path(folder) / STUDIES)


def scan_bounds(studies: Sequence) -> list[slice]:
    """The rows of each scan, in order. studies: of each row; the slices of a study lie together in the store."""
    studies = np.asarray(studies)
    borders = [0, *(np.flatnonzero(studies[1:] != studies[:-1]) + 1).tolist(), len(studies)]
    return [slice(start, end) for start, end in pairwise(borders) if start < end]


def adjacent_runs(table: pd.DataFrame) -> list[slice]:
    """The rows of each run of adjacent slices, in order: of one scan, none missing in between.

    table: slices with study, index and missing_before, studies contiguous and foot to head; rows may be left out.
    """
    study, index = table["study"].to_numpy(), table["index"].to_numpy()
    starts = table["missing_before"].to_numpy(bool, copy=True)
    starts[1:] |= (study[1:] != study[:-1]) | (index[1:] != index[:-1] + 1)
    return scan_bounds(np.cumsum(starts))


def targets_of(table: pd.DataFrame) -> np.ndarray:
    """(slices, 5) float32 labels of a table of slices, NaN where unlabelled."""
    return table[LABELS].to_numpy(np.float32)


def is_labelled(table: pd.DataFrame) -> np.ndarray:
    """(slices,) bool: all five labels are known."""
    return table[LABELS].notna().all(axis=1).to_numpy()


def read_test_images(folder: Path) -> list[str]:
    """Published names of the data set's unlabelled test images, those that could not be read included."""
    return pd.read_parquet(Path(folder) / TEST_IMAGES)["image"].tolist()


def write_store_settings(
    folder: Path, source: str, image_size: int, window_center_hu: float, window_width_hu: float
) -> None:
    """Say of a store what it shows: the data set, and how its pictures were made."""
    window = {"window_center_hu": window_center_hu, "window_width_hu": window_width_hu}
    write_json(folder / STORE, {"source": source, "image_size": image_size, **window})


def read_store_settings(folder: Path) -> dict:
    """source, image_size (px), window_center_hu, window_width_hu."""
    return json.loads((folder / STORE).read_text())


def shard_files(folder: Path) -> list[Path]:
    """The files of pixels of a store, in their order."""
    return sorted(folder.glob("pixels-*.npy"), key=lambda path: int(path.stem.removeprefix("pixels-")))
