"""Scans of any layout → the slice store and its report: pixels read in worker processes, ids replaced by pseudonyms."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from hohoho.errors import InputError
from hohoho.ingest.blocks import Block, FinishedBlock, clear, partition, read_block
from hohoho.ingest.checkpoint import code_version, scratch_folder
from hohoho.ingest.report import count, report_lines
from hohoho.ingest.slice_writer import commit_store, fsync_shard
from hohoho.ingest.tables import join_copies, slice_rows, study_row
from hohoho.pseudonyms import PUBLIC_KEY, pseudonym
from hohoho.scans.pixels import ReadSlices
from hohoho.scans.scan import REFUSED, SKIPPED, WARNED, Inventory, Note, Scan, count_reasons
from hohoho.scans.verdict import verdicts
from hohoho.workers import Workers, ordered_map

SHOWN_PLACES = 10


class IngestReport(NamedTuple):
    """What an ingest did."""

    counts: dict  # for metrics/ingest.json
    lines: pd.DataFrame  # one row for everything skipped, repaired or warned of, by study


def ingest(
    inventory: Inventory,
    folder: Path,
    image_size: int,
    window_hu: tuple[float, float],
    key: bytes,
    workers: Workers = 1,
    progress: bool = False,
    checkpoints: Path | None = None,
    strict: bool = False,
) -> IngestReport:
    """Reads, windows and stores every slice of `inventory` in `folder`; the same result with any `workers`.

    image_size: pixels a side. window_hu: center, width. key: of the pseudonyms. checkpoints: the folder from which
    an interrupted run resumes; None: a hidden one beside `folder`. Raises InputError where nothing usable was found
    and, if strict, where a study is refused or a slice is missing.
    """
    if strict:
        refuse_doubtful_studies(inventory.notes, key)
    if not inventory.scans:
        raise InputError(f"none of {inventory.files} files is a usable CT slice: {_reasons(inventory.notes)}")
    scans = sorted(inventory.scans, key=lambda scan: pseudonym(key, "study", scan.study))
    checkpoints = checkpoints or folder.with_name(f".{folder.name}.ingest")
    name = pseudonym(key, "ingest", f"{inventory.root} {image_size} {window_hu}")
    with scratch_folder(checkpoints, name) as work:
        knobs = image_size, window_hu, code_version()
        blocks = [Block(work / f"{number:06d}.json", part, *knobs) for number, part in enumerate(partition(scans))]
        if done := clear(work, blocks):
            print(f"ingest goes on: {done} of {len(scans)} studies are there already", flush=True)
        finished = _read(blocks, len(scans), workers, progress)
        results = [study for block in finished for study in block.studies]
        slices, studies, notes = tables(inventory, zip(scans, results, strict=True), key)
        if strict:
            refuse_missing_slices(slices)
        test_images = inventory.test_images if key == PUBLIC_KEY else ()
        commit_store([block.shard for block in finished], folder, image_size, slices, studies, test_images)
        stored = set(studies["study"])
        found = verdicts(notes, [scan.study for scan in scans if pseudonym(key, "study", scan.study) in stored])
        counts = count(inventory.files, slices, studies, notes, found)
        return IngestReport(counts, report_lines(notes, found, key, inventory.root))


def _read(blocks: list[Block], studies: int, workers: Workers, progress: bool) -> list[FinishedBlock]:
    """What was read of all blocks, in their order; all of it is on the disk."""
    finished = []
    with tqdm(desc="pixels", total=studies, disable=not progress, unit="scan") as bar:
        for block in ordered_map(read_block, blocks, workers):
            fsync_shard(block.shard)  # here, while the workers go on
            bar.update(len(block.studies))
            finished.append(block)
    return finished


def tables(
    inventory: Inventory, results: Iterable[tuple[Scan, ReadSlices]], key: bytes
) -> tuple[pd.DataFrame, pd.DataFrame, list[Note]]:
    """(slice table, study table, all notes). Raises InputError where no slice could be read."""
    notes, slices, studies, stored = list(inventory.notes), [], [], []
    for scan, result in results:
        notes += result.notes
        if len(result.kept):
            slices.append(slice_rows(scan, result, key))
            studies.append(study_row(scan, slices[-1]))
            stored.append(scan)
    if not slices:
        raise InputError(f"none of {inventory.files} files has usable pixels: {_reasons(notes)}")
    columns = {name: np.concatenate([rows.pop(name) for rows in slices]) for name in list(slices[0])}
    slices = pd.DataFrame(columns, copy=False)
    studies = pd.DataFrame(studies)
    copies = join_copies(slices, studies)
    notes += [Note(WARNED, "same_pixels_as_another_patient", stored[row].study) for row in copies]
    return slices, studies, notes


def refuse_missing_slices(slices: pd.DataFrame) -> None:
    """Raise InputError naming the first studies (pseudonyms) and places of missing slices. slices: the slice table."""
    above = slices[slices["missing_before"]]
    if len(above):
        places = [f"{study} below slice {index}" for study, index in above[["study", "index"]].values[:SHOWN_PLACES]]
        raise InputError(
            f"{len(above)} slices are missing: {', '.join(places)} (counted from 0 at the foot). Complete the data, or "
            "accept the gaps with ingest.strict=false"
        )


def refuse_doubtful_studies(notes: list[Note], key: bytes) -> None:
    """Raise InputError naming the first studies (pseudonyms) that are refused, and why."""
    reasons = {note.study: note.reason for note in notes if note.action == REFUSED}
    if reasons:
        shown = list(reasons.items())[:SHOWN_PLACES]
        names = ", ".join(f"{pseudonym(key, 'study', study)} ({reason})" for study, reason in shown)
        raise InputError(
            f"{len(reasons)} studies are refused: {names}. Correct or remove them (`hohoho check` names their files), "
            "or leave them out with ingest.strict=false"
        )


def _reasons(notes):
    """Why files were left out, with how many of each, for an error message."""
    counts = count_reasons(notes, SKIPPED, REFUSED)
    return ", ".join(f"{n} {reason}" for reason, n in counts.items()) or "data.root holds no file"
