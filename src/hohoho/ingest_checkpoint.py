"""Work in progress of an ingest: pixels in growing shards, and a journal line for every study that is done.

A killed ingest goes on behind the last line. The folder lies outside of DVC's outputs, which DVC clears before a run.
It holds no names: a study is known by a hash of its headers and of its files' sizes and times.
"""

import fcntl
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

import numpy as np

from hohoho.errors import InputError
from hohoho.scan import Note, Scan
from hohoho.scan_pixels import ScanPixels
from hohoho.slice_writer import SliceWriter, slices_in

JOURNAL = "journal.jsonl"
LIBRARIES = ("numpy", "opencv-python-headless", "pydicom")


class IngestCheckpoint:
    """The studies of one ingest that are done. Made by `open_checkpoint`."""

    def __init__(self, folder: Path, image_size: int, done: list[ScanPixels], journal_bytes: int):
        self.folder, self.done = folder, done
        self.writer = SliceWriter(folder, image_size, sum(len(result.kept) for result in done))
        self.journal = (folder / JOURNAL).open("r+b")
        self.journal.truncate(journal_bytes)
        self.journal.seek(journal_bytes)

    def add(self, mark: str, result: ScanPixels) -> None:
        """One more study is done; its pixels are on the disk before its line is."""
        self.writer.append(result.pixels)
        self.writer.sync()
        notes = [(note.action, note.reason, note.index) for note in result.notes]
        line = {"study": mark, "kept": result.kept.tolist(), "hashes": result.hashes, "notes": notes}
        self.journal.write(json.dumps(line).encode() + b"\n")
        self.journal.flush()

    def remove(self) -> None:
        """The work is done and elsewhere."""
        shutil.rmtree(self.folder)
        with suppress(OSError):  # other work is in there
            self.folder.parent.rmdir()


@contextmanager
def open_checkpoint(folder: Path, name: str, scans: Sequence[Scan], image_size: int) -> Iterator[IngestCheckpoint]:
    """The work `name` in `folder` at `scans`, as far as an earlier run came: `done` holds the first of them, no pixels.

    A study is done again, and all behind it, where one of its files changed; everything is, where the code or a library
    did. Raises InputError where another process is at work in `folder`.
    """
    with _lock(folder):
        work = folder / name
        work.mkdir(exist_ok=True)
        done, journal_bytes = _taken_over(work, scans, slices_in(work, image_size))
        checkpoint = IngestCheckpoint(work, image_size, done, journal_bytes)
        try:
            yield checkpoint
        finally:
            checkpoint.journal.close()


def mark(scan: Scan) -> str:
    """What a study is known by: a hash of its headers, and of its files' sizes and times of change."""
    paths = dict.fromkeys(getattr(image, "path", image) for image in scan.images)
    files = [(path, *_size_and_time(path)) for path in paths]
    known = repr((scan.study, scan.images, scan.spacing_mm.tolist(), files))
    return hashlib.sha256(known.encode("utf-8", "surrogateescape")).hexdigest()[:32]


@contextmanager
def _lock(folder):
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # ends with the process, however that ends
        yield
    except BlockingIOError:
        raise InputError(f"another ingest is at work in {folder}: wait for its end, or stop it") from None
    finally:
        os.close(descriptor)


def _taken_over(work, scans, slices):
    """(results of the first studies, bytes of the journal that tell of them); `slices` have their pixels there."""
    first = json.dumps({"code": _code()}).encode() + b"\n"
    done = []
    path = work / JOURNAL
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    if not lines or lines[0] != first:
        path.write_bytes(first)
        return done, len(first)
    at = len(first)
    for scan, line in zip(scans, lines[1:], strict=False):
        result = _result(line, scan)
        if result is None or len(result.kept) > slices:
            break
        done.append(result)
        slices -= len(result.kept)
        at += len(line)
    return done, at


def _result(line, scan):
    """ScanPixels without pixels from a line of the journal; None where it was cut off or is not of this scan."""
    if not line.endswith(b"\n"):
        return None
    known = json.loads(line)
    if known["study"] != mark(scan):
        return None
    notes = [Note(action, reason, scan.study, index=index) for action, reason, index in known["notes"]]
    return ScanPixels(np.array(known["kept"], int), np.empty((0, 0, 0), np.uint8), known["hashes"], notes)


def _code():
    """A hash of all code at work here: another version may make other pixels of the same files."""
    contents = hashlib.sha256(repr([(name, version(name)) for name in LIBRARIES]).encode())
    for name in sorted(name for name in sys.modules if name.startswith("hohoho.")):
        path = getattr(sys.modules[name], "__file__", None)
        contents.update(name.encode() + (Path(path).read_bytes() if path else b""))
    return contents.hexdigest()[:32]


def _size_and_time(path):
    try:
        status = os.stat(path)  # noqa: PTH116 - a Path for each of 750,000 files is dearer than the call
    except OSError:
        return None, None  # reading it will tell
    return status.st_size, status.st_ctime_ns  # unlike mtime, it cannot be set back and knows of permissions
