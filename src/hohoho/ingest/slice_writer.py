"""Writes a slice store: shards, slice by slice, and the tables at the very end."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pandas as pd
from numpy.lib.format import MAGIC_PREFIX, write_array_header_1_0

from hohoho.files import atomic, write_parquet
from hohoho.slices.store import SLICE_COLUMNS, SLICES, STUDIES, STUDY_COLUMNS, TEST_IMAGES, shard_files

HEADER_BYTES = 128  # of a .npy file: NumPy leaves room in it for the largest number of rows


@contextmanager
def new_shard(path: Path, image_size: int) -> Iterator[BinaryIO]:
    """A file to write slices to, (size, size) uint8 each; it ends as a .npy file of (n, size, size).

    Every byte of a slice is written once; the header, which counts them, comes last. On the disk after `fsync_shard`. A
    failure leaves no file. Raises FileExistsError.
    """
    with path.open("xb") as file:
        try:
            file.write(bytes(HEADER_BYTES))
            yield file
            shape = (file.tell() - HEADER_BYTES) // image_size**2, image_size, image_size
            file.seek(0)
            write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
            file.flush()
        except BaseException:
            path.unlink()
            raise


def start_writing(file: BinaryIO, begin: int) -> None:
    """Let the disk begin to write what lies behind byte `begin` of a file; this does not wait for it."""
    file.flush()
    if hasattr(os, "posix_fadvise"):  # Linux begins to write what it is told to forget
        os.posix_fadvise(file.fileno(), begin, 0, os.POSIX_FADV_DONTNEED)


def fsync_shard(path: Path) -> None:
    """Wait until a shard is on the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def is_finished(path: Path, image_size: int, slices: int) -> bool:
    """Whether a shard is a whole .npy file of so many slices."""
    if not path.exists() or path.stat().st_size != HEADER_BYTES + slices * image_size**2:
        return False
    with path.open("rb") as file:
        return file.read(len(MAGIC_PREFIX)) == MAGIC_PREFIX  # written last


def commit_store(
    shards: Sequence[Path],
    folder: Path,
    image_size: int,
    slices: pd.DataFrame,
    studies: pd.DataFrame,
    test_images: Sequence[str],
) -> None:
    """Make `folder` the store of these finished shards, which stay where they are, and of the tables.

    An older store is taken down first, its tables before its pixels; the new tables come last, so that a folder with
    tables is always whole. Empty shards are left out. Raises ValueError where rows and pixels differ in number.
    """
    stored = {path: (path.stat().st_size - HEADER_BYTES) // image_size**2 for path in shards}
    if len(slices) != sum(stored.values()):
        raise ValueError(f"{len(slices)} rows in the slice table for {sum(stored.values())} slices of pixels")
    folder.mkdir(parents=True, exist_ok=True)
    for old in [folder / SLICES, folder / STUDIES, folder / TEST_IMAGES, *shard_files(folder), *folder.glob(".*.tmp")]:
        old.unlink(missing_ok=True)
    for number, path in enumerate(path for path in shards if stored[path]):
        _link(path, folder / f"pixels-{number:03d}.npy")
    write_parquet(folder / TEST_IMAGES, pd.DataFrame({"image": test_images}, dtype="str"))
    write_parquet(folder / STUDIES, _typed(studies, STUDY_COLUMNS))
    write_parquet(folder / SLICES, _typed(slices, SLICE_COLUMNS))


def _typed(table, columns):
    """The columns of a store's table in their order and types, one by one: a copy of the whole table is dear."""
    return pd.DataFrame({name: table[name].astype(kind) for name, kind in columns.items()}, copy=False)


def _link(path, other):
    """A second name for a file, a copy where the file system has none."""
    try:
        os.link(path, other)
    except OSError:
        with atomic(other) as temporary:
            shutil.copyfile(path, temporary)
