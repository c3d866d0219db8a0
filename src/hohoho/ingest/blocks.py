"""Blocks of studies: a worker reads one into one shard, then writes a sidecar that says what the shard holds.

An interrupted ingest resumes by blocks: a shard that a sidecar names is whole. The sidecar holds no names: a study is
known by a hash of its headers and of its files' sizes and times.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import numpy as np

from hohoho.ingest.slice_writer import is_finished, new_shard, start_writing
from hohoho.prefetch import prefetch
from hohoho.scans.pixels import ReadSlices, collect
from hohoho.scans.scan import Note, Scan

SHARD_SLICES = 1024  # at most, but for a longer study: 256 MB at 512 pixels
BLOCKS = 32  # at least, where there are as many studies: many workers all find work, and end at about the same time


class Block(NamedTuple):
    """Studies that one worker reads into one shard."""

    sidecar: Path
    scans: tuple[Scan, ...]
    image_size: int
    window_hu: tuple[float, float]  # center, width
    code: str  # version of the code: what another one has read is read again


class FinishedBlock(NamedTuple):
    """What was read of a block."""

    shard: Path
    studies: list[ReadSlices]


def partition(scans: Sequence[Scan]) -> Iterator[tuple[Scan, ...]]:
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


def read_block(block: Block) -> FinishedBlock:
    """Reads the studies of a block, or takes over what was read before.

    Each call writes a shard under a name of its own: a worker that a cluster gave up, and that still writes the same
    block, cannot change what another one returned.
    """
    if finished := finished_block(block):
        return finished
    shard = block.sidecar.with_name(f"{block.sidecar.stem}-{uuid4().hex}.npy")
    fingerprints, studies = [], []
    paths = [*(scan.paths for scan in block.scans), []]
    prefetch(paths[0])
    with new_shard(shard, block.image_size) as file:
        for scan, following in zip(block.scans, paths[1:], strict=True):
            prefetch(following)  # arrives while this study is worked at
            # before it is read, lest a change in between be taken for what was read
            fingerprints.append(fingerprint(scan))
            begin = file.tell()
            studies.append(collect(scan, block.image_size, block.window_hu, file.write))
            start_writing(file, begin)
    finished = FinishedBlock(shard, studies)
    _write_sidecar(block, fingerprints, finished)
    return finished


def finished_block(block: Block) -> FinishedBlock | None:
    """What an earlier call read of a block; None where that is not whole, or where the code or a file has changed."""
    try:
        known = json.loads(block.sidecar.read_text())
    except (FileNotFoundError, ValueError):  # ValueError: the power failed before it was on the disk
        return None
    if known["code"] != block.code or known["fingerprints"] != [fingerprint(scan) for scan in block.scans]:
        return None
    studies = [
        ReadSlices(np.array(kept, int), hashes, [Note(*note)._replace(study=scan.study) for note in notes])
        for (kept, hashes, notes), scan in zip(known["studies"], block.scans, strict=True)
    ]
    finished = FinishedBlock(block.sidecar.with_name(known["shard"]), studies)
    slices = sum(len(study.kept) for study in studies)
    return finished if is_finished(finished.shard, block.image_size, slices) else None


def _write_sidecar(block, fingerprints, finished):
    """Whole or absent, even if two workers write it at once. No fsync: it would wait for all pixels of this worker."""
    nameless = [
        (kept.tolist(), hashes, [note._replace(study=None, item=None) for note in notes])
        for kept, hashes, notes in finished.studies
    ]
    content = {"code": block.code, "fingerprints": fingerprints, "shard": finished.shard.name, "studies": nameless}
    temporary = finished.shard.with_suffix(".tmp")
    temporary.write_text(json.dumps(content))
    temporary.replace(block.sidecar)


def clear(work: Path, blocks: Sequence[Block]) -> int:
    """Remove from `work` all that cannot be taken over. Returns how many studies can be."""
    finished = {block.sidecar: found for block in blocks if (found := finished_block(block))}
    for path in set(work.iterdir()) - {*finished, *(found.shard for found in finished.values())}:
        path.unlink(missing_ok=True)
    return sum(len(found.studies) for found in finished.values())


def fingerprint(scan: Scan) -> str:
    """What a study is known by: a hash of its headers, and of its files' sizes and times of change."""
    files = [(path, *_size_and_time(path)) for path in scan.paths]
    known = repr((scan.study, scan.images, scan.spacing_mm.tolist(), files))
    return hashlib.sha256(known.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _size_and_time(path):
    try:
        status = os.stat(path)  # noqa: PTH116 - a Path for each of 750,000 files is dearer than the call
    except OSError:
        return None, None  # reading it will tell
    return status.st_size, status.st_ctime_ns  # unlike mtime, it cannot be set back and knows of permissions
