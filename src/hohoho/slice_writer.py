"""Writes a slice store: shards that grow study by study and can be gone on with, and the tables at the very end."""

import io
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from hohoho.files import atomic, write_parquet
from hohoho.slice_store import SLICE_COLUMNS, SLICES, STUDIES, STUDY_COLUMNS, shard_files

SHARD_BYTES = 256 * 2**20  # of pixels, at most
HEADER_BYTES = 128  # of a .npy file: NumPy leaves room in it for the largest number of rows


class SliceWriter:
    """Appends pixels to the shards in `folder`, behind the first `slices` of those that are there.

    The bytes of an appended slice are written once and never moved. Shards are .npy files; the last one is whole after
    `close` only.
    """

    def __init__(self, folder: Path, image_size: int, slices: int = 0, shard_bytes: int = SHARD_BYTES):
        self.folder, self.image_size = Path(folder), image_size
        self.capacity = max(1, shard_bytes // image_size**2)  # slices a shard
        self.number, self.filled = divmod(slices, self.capacity)
        self.folder.mkdir(parents=True, exist_ok=True)
        for later in shard_files(self.folder)[self.number + (self.filled > 0) :]:
            later.unlink()
        self.file = self._open_last() if self.filled else None

    def append(self, pixels: np.ndarray) -> None:
        """Append (n, size, size) uint8; they are on the disk after `sync`."""
        while len(pixels):
            if self.file is None:
                self.file = self._path().open("wb")
                self.file.write(_header(self.capacity, self.image_size))
            part = pixels[: self.capacity - self.filled]
            self.file.write(np.ascontiguousarray(part))
            self.filled += len(part)
            pixels = pixels[len(part) :]
            if self.filled == self.capacity:
                self.close()

    def sync(self) -> None:
        """What was appended survives even a loss of power from here on."""
        if self.file is not None:
            self.file.flush()
            os.fsync(self.file.fileno())

    def close(self) -> None:
        """Make the last shard whole; what is appended later goes into a new one."""
        if self.file is not None:
            self.file.seek(0)
            self.file.write(_header(self.filled, self.image_size))
            self.sync()
            self.file.close()
            self.file, self.number, self.filled = None, self.number + 1, 0

    def _path(self):
        return self.folder / f"pixels-{self.number:03d}.npy"

    def _open_last(self):
        path = self._path()
        if path.stat().st_nlink > 1:  # a finished store has it too, which must not change
            _copy(path, path)
        file = path.open("rb+")
        file.truncate(HEADER_BYTES + self.filled * self.image_size**2)
        file.seek(0, os.SEEK_END)
        return file


def slices_in(folder: Path, image_size: int) -> int:
    """How many whole slices the shards in `folder` hold, finished or not."""
    return sum(max(0, path.stat().st_size - HEADER_BYTES) // image_size**2 for path in shard_files(folder))


def publish(shards: Path, folder: Path, slices: pd.DataFrame, studies: pd.DataFrame) -> None:
    """Make `folder` the store of the whole shards in `shards`, which stay where they are, and of the two tables.

    An older store is taken down first, its tables before its pixels; the new tables come last, so that a folder with
    tables is always whole. Raises ValueError where rows and pixels differ in number.
    """
    image_size = np.load(shard_files(shards)[0], mmap_mode="r").shape[1]
    if len(slices) != slices_in(shards, image_size):
        raise ValueError(f"{len(slices)} rows in the slice table for {slices_in(shards, image_size)} slices of pixels")
    folder.mkdir(parents=True, exist_ok=True)
    for old in [folder / SLICES, folder / STUDIES, *shard_files(folder), *folder.glob(".*.tmp")]:
        old.unlink(missing_ok=True)
    for path in shard_files(shards):
        _link(path, folder / path.name)
    write_parquet(folder / STUDIES, studies[list(STUDY_COLUMNS)].astype(STUDY_COLUMNS))
    write_parquet(folder / SLICES, slices[list(SLICE_COLUMNS)].astype(SLICE_COLUMNS))


def _header(slices, image_size):
    """The first bytes of a .npy file; their number does not depend on `slices`."""
    header = io.BytesIO()
    content = {"descr": "|u1", "fortran_order": False, "shape": (slices, image_size, image_size)}
    np.lib.format.write_array_header_1_0(header, content)
    return header.getvalue()


def _link(path, other):
    """A second name for a file, a copy where the file system has none."""
    try:
        os.link(path, other)
    except OSError:
        _copy(path, other)


def _copy(path, other):
    with atomic(other) as temporary:
        shutil.copyfile(path, temporary)
