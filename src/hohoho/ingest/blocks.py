"""Blocks of studies: a worker reads one into one shard, and keeps a journal of the studies that are done.

A restarted worker resumes after the last entry of its journal. The journal holds no names: a study is known by a hash
of its headers and of its files' sizes and times.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from hohoho.ingest.slice_writer import ShardWriter, is_finished, slices_in
from hohoho.prefetch import prefetch
from hohoho.scans.pixels import ScanPixels, gather, read_picture
from hohoho.scans.scan import Note, Scan

SHARD_SLICES = 1024  # at most, but for a longer study: 256 MB at 512 pixels
BLOCKS = 32  # at least, where there are as many studies: many workers all find work, and end at about the same time


class Block(NamedTuple):
    """Studies that one worker reads into one shard."""

    shard: Path
    scans: tuple[Scan, ...]
    image_size: int
    window_hu: tuple[float, float]  # center, width
    code: str  # version of the code: what another one has read is read again

    @property
    def journal(self) -> Path:
        """A line for the code, then one for every study whose pixels are in the shard."""
        return self.shard.with_suffix(".jsonl")


def cut(scans: Sequence[Scan]) -> Iterator[tuple[Scan, ...]]:
    """The scans in runs of about as many slices. It depends on nothing else, so that every machine cuts alike."""
    most = min(SHARD_SLICES, sum(len(scan.images) for scan in scans) // BLOCKS)
    run, slices = [], 0
    for scan in scans:
        if run and slices + len(scan.images) > most:
            yield tuple(run)
            run, slices = [], 0
        run.append(scan)
        slices += len(scan.images)
    if run:
        yield tuple(run)


def read_block(block: Block) -> list[ScanPixels]:
    """Reads the studies of a block that are not done yet; the results of all of them, without pixels."""
    with _locked(block.journal) as journal:
        done, journal_bytes = taken_over(block)
        slices = sum(len(result.kept) for result in done)
        if len(done) == len(block.scans) and is_finished(block.shard, block.image_size, slices):
            return done
        journal.truncate(journal_bytes)
        if not journal_bytes:
            _write(journal, _first_line(block))
        shard = ShardWriter(block.shard, block.image_size, slices)
        todo = block.scans[len(done) :]
        paths = [*(scan.paths for scan in todo), []]
        prefetch(paths[0])
        for scan, following in zip(todo, paths[1:], strict=True):
            prefetch(following)  # arrives while this study is worked at
            known_by = mark(scan)  # before it is read, lest a change in between be taken for what was read
            result = _read(scan, block, shard)
            shard.flush()
            _write(journal, _line(known_by, result))
            done.append(result)
        shard.close()
    return done


def taken_over(block: Block) -> tuple[list[ScanPixels], int]:
    """(results of the first studies of a block, as far as they are done and still the same; bytes of their lines)."""
    lines = block.journal.read_bytes().splitlines(keepends=True) if block.journal.exists() else []
    if not lines or lines[0] != _first_line(block):
        return [], 0
    done, at, slices = [], len(lines[0]), slices_in(block.shard, block.image_size)
    for scan, line in zip(block.scans, lines[1:], strict=False):
        result = _result(line, scan)
        if result is None or len(result.kept) > slices:
            break
        done.append(result)
        slices -= len(result.kept)
        at += len(line)
    return done, at


def mark(scan: Scan) -> str:
    """What a study is known by: a hash of its headers, and of its files' sizes and times of change."""
    files = [(path, *_size_and_time(path)) for path in scan.paths]
    known = repr((scan.study, scan.images, scan.spacing_mm.tolist(), files))
    return hashlib.sha256(known.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _read(scan, block, shard):
    tasks = zip(scan.images, scan.spacing_mm, strict=True)
    pictures = (read_picture(scan.read_slice, *task, block.image_size, block.window_hu) for task in tasks)
    kept, hashes, notes = gather(scan, pictures, shard.append)
    return ScanPixels(kept, _no_pixels(), hashes, notes)


def _first_line(block):
    return json.dumps({"code": block.code}).encode() + b"\n"


def _line(known_by, result):
    notes = [(note.action, note.reason, note.index) for note in result.notes]
    content = {"study": known_by, "kept": result.kept.tolist(), "hashes": result.hashes, "notes": notes}
    return json.dumps(content).encode() + b"\n"


def _result(line, scan):
    """ScanPixels without pixels from a line of the journal; None where it was cut off or is not of this scan."""
    if not line.endswith(b"\n"):
        return None
    known = json.loads(line)
    if known["study"] != mark(scan):
        return None
    notes = [Note(action, reason, scan.study, index=index) for action, reason, index in known["notes"]]
    return ScanPixels(np.array(known["kept"], int), _no_pixels(), known["hashes"], notes)


def _no_pixels():
    return np.empty((0, 0, 0), np.uint8)


@contextmanager
def _locked(path: Path) -> Iterator[BinaryIO]:
    """The journal, opened for appending; a worker that was given up and still writes is waited for."""
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _write(journal, line):
    journal.write(line)
    journal.flush()


def _size_and_time(path):
    try:
        status = os.stat(path)  # noqa: PTH116 - a Path for each of 750,000 files is dearer than the call
    except OSError:
        return None, None  # reading it will tell
    return status.st_size, status.st_ctime_ns  # unlike mtime, it cannot be set back and knows of permissions
