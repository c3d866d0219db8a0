"""Writes a slice store: shards that grow study by study and can be resumed, and the tables at the very end."""

import io
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from hohoho.files import atomic, write_parquet
from hohoho.slices.store import SLICE_COLUMNS, SLICES, STUDIES, STUDY_COLUMNS, TEST_IMAGES, shard_files

HEADER_BYTES = 128  # of a .npy file: NumPy leaves room in it for the largest number of rows


class ShardWriter:
    """One growing .npy file of (n, size, size) uint8. Every byte of a slice is written once; the header comes last."""

    def __init__(self, path: Path, image_size: int, slices: int):
        """Opens `path` behind its first `slices`; whatever follows them is dropped."""
        self.image_size, self.slices = image_size, slices
        path.touch()
        if path.stat().st_nlink > 1:  # a finished store has this file too, and must not change
            _copy(path, path)
        self.file = path.open("rb+")
        self.file.truncate(HEADER_BYTES + slices * image_size**2)
        self.file.seek(0, os.SEEK_END)
        self.begun = self.file.tell()

    def append(self, pixels: np.ndarray) -> None:
        """Append one slice, (size, size) uint8; it is in the file after `flush`."""
        self.file.write(np.ascontiguousarray(pixels))
        self.slices += 1

    def flush(self) -> None:
        """What was appended survives the end of this process; the disk begins to write it, and is not waited for."""
        self.file.flush()
        if hasattr(os, "posix_fadvise"):  # Linux begins to write what it is told to forget
            os.posix_fadvise(self.file.fileno(), self.begun, 0, os.POSIX_FADV_DONTNEED)
        self.begun = self.file.tell()

    def close(self) -> None:
        """Make the file whole; it is on the disk after `settle`."""
        self.file.seek(0)
        self.file.write(_header(self.slices, self.image_size))
        self.file.close()


def settle(path: Path) -> None:
    """Wait until a shard is on the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def slices_in(path: Path, image_size: int) -> int:
    """How many whole slices a shard holds, whether it is finished or not; 0 where there is none."""
    return max(0, path.stat().st_size - HEADER_BYTES) // image_size**2 if path.exists() else 0


def is_finished(path: Path, image_size: int, slices: int) -> bool:
    """Whether a shard is a whole .npy file of so many slices."""
    if not path.exists() or path.stat().st_size != HEADER_BYTES + slices * image_size**2:
        return False
    with path.open("rb") as file:
        return file.read(HEADER_BYTES) == _header(slices, image_size)


def publish(
    shards: Sequence[Path],
    folder: Path,
    image_size: int,
    slices: pd.DataFrame,
    studies: pd.DataFrame,
    test_images: Sequence[str],
) -> None:
    """Make `folder` the store of these finished shards, which stay where they are, and of the tables.

    An older store is taken down first, its tables before its pixels; the new tables come last, so that a folder with
    tables is always whole. Raises ValueError where rows and pixels differ in number.
    """
    stored = sum(slices_in(path, image_size) for path in shards)
    if len(slices) != stored:
        raise ValueError(f"{len(slices)} rows in the slice table for {stored} slices of pixels")
    folder.mkdir(parents=True, exist_ok=True)
    for old in [folder / SLICES, folder / STUDIES, folder / TEST_IMAGES, *shard_files(folder), *folder.glob(".*.tmp")]:
        old.unlink(missing_ok=True)
    for number, path in enumerate(shards):
        _link(path, folder / f"pixels-{number:03d}.npy")
    write_parquet(folder / TEST_IMAGES, pd.DataFrame({"image": test_images}, dtype="str"))
    write_parquet(folder / STUDIES, _typed(studies, STUDY_COLUMNS))
    write_parquet(folder / SLICES, _typed(slices, SLICE_COLUMNS))


def _typed(table, columns):
    """The columns of a store's table in their order and types, one by one: a copy of the whole table is dear."""
    return pd.DataFrame({name: table[name].astype(kind) for name, kind in columns.items()}, copy=False)


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
