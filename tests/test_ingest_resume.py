"""An ingest that is killed at any moment resumes behind its finished blocks, and ends as if nothing had happened."""

import errno
import json
import multiprocessing
import os
import signal
import time
import tracemalloc
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from ct_files import KEY, SIDE, WINDOW_HU, fingerprint, save, set_pixels, study
from inventories import find

from hohoho.dicom.reader import read_slice
from hohoho.errors import InputError
from hohoho.ingest import blocks as ingest_blocks
from hohoho.ingest.checkpoint import scratch_folder
from hohoho.ingest.ingest import ingest
from hohoho.pseudonyms import pseudonym

SIZE = 64
STUDIES, SLICES, BLOCKS, A_BLOCK = 12, 6, 4, 3  # three studies a block
processes = multiprocessing.get_context("forkserver")  # its children start with all modules loaded
processes.set_forkserver_preload([__name__])


@pytest.fixture(autouse=True)
def few_blocks(monkeypatch):
    monkeypatch.setattr(ingest_blocks, "BLOCKS", BLOCKS)  # what `run` sets in this process is taken back


def write_studies(folder, count=STUDIES):
    """Each study has a slice that is skipped, one that is warned of and, mostly, one that is repaired."""
    for place, image in enumerate(study(count, SLICES)):
        patient, number = divmod(place, SLICES)
        hu = np.frombuffer(image.PixelData, np.int16).reshape(SIDE, SIDE)
        if number == patient % SLICES:
            image.add_new("PixelPaddingValue", "SS", int(hu[0, 0]))
        set_pixels(image, {1: np.full_like(hu, 30), 4: 900 + hu}.get(number, hu))  # skipped; warned of, no hash
        save(image, folder / f"{patient}" / f"{number}")
    return folder


def logged_read(header, place):
    """As `read_slice`; the log tells which process read which study. Strikes before the slice that place/fate names."""
    with (place / "log").open("a") as file:
        file.write(f"{os.getpid()} {header.study_uid}\n")
    if (place / "fate").exists():
        slice_number, sent = (int(word) for word in (place / "fate").read_text().split())
        if len(log(place)) == slice_number:
            os.kill(int((place / "pid").read_text()), sent)
    return read_slice(header)


def run(place, workers=1):
    """Ingest place/in to place/out; place/log tells what was read, place/report what was found."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job begins with it ignored
    ingest_blocks.BLOCKS = BLOCKS
    inventory = find(place / "in")
    inventory.scans = [replace(scan, read_slice=partial(logged_read, place=place)) for scan in inventory.scans]
    (place / "pid").write_text(str(os.getpid()))
    report = ingest(inventory, place / "out", SIZE, WINDOW_HU, KEY, workers, checkpoints=place / "work")
    (place / "report").write_text(json.dumps(report.counts) + report.lines.to_csv())


def ingest_in_child(place, workers=1):
    """The exit code of a child process that ingests."""
    (place / "log").unlink(missing_ok=True)
    child = processes.Process(target=run, args=(place, workers))
    child.start()
    child.join()
    return child.exitcode


def finish(place, workers=1):
    assert ingest_in_child(place, workers) == 0


def strike(place, slice_number, sent, workers=1):
    """An ingest that is sent a signal as it comes to this slice."""
    (place / "fate").write_text(f"{slice_number} {sent:d}")
    assert ingest_in_child(place, workers) != 0
    (place / "fate").unlink()


def log(place):
    """(process, study) of every slice that was read."""
    path = place / "log"
    return [tuple(line.split()) for line in path.read_text().splitlines()] if path.exists() else []


def read_studies(place):
    return {study for _, study in log(place)}


def wait_until(condition, seconds=20):
    patience = time.monotonic() + seconds
    while not condition() and time.monotonic() < patience:
        time.sleep(0.0005)


def hashes(place):
    """Of all files of the store, hidden ones too, and the report."""
    return fingerprint(place / "out") | {"report": (place / "report").read_text()}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Hashes of what an ingest leaves."""
    place = tmp_path_factory.mktemp("undisturbed")
    write_studies(place / "in")
    finish(place)
    return hashes(place)


@pytest.fixture
def place(tmp_path):
    write_studies(tmp_path / "in")
    return tmp_path


KILLS = [(number, signal.SIGKILL) for number in (1, 2, 7, 17, 18, 19, 35, 36, 37, 54, 55, 56, 71, 72)]
ASKED = [(43, signal.SIGTERM), (43, signal.SIGINT)]  # to stop


@pytest.mark.parametrize(("slice_number", "sent"), KILLS + ASKED)
def test_an_end_at_any_slice_costs_only_the_block_in_work(place, undisturbed, slice_number, sent):
    strike(place, slice_number, sent)
    finish(place)
    assert hashes(place) == undisturbed
    assert not (place / "work").exists()
    assert len(read_studies(place)) == STUDIES - (slice_number - 1) // (A_BLOCK * SLICES) * A_BLOCK


def test_an_ingest_killed_again_and_again_goes_on_each_time_and_keeps_no_shard_that_nobody_finished(place, undisturbed):
    for finished in range(BLOCKS):
        strike(place, A_BLOCK * SLICES + 2 if finished else 2, signal.SIGKILL)
        assert len(list(place.glob("work/*/*.json"))) == finished
        assert len(list(place.glob("work/*/*.npy"))) == finished + 1
    finish(place)
    assert len(read_studies(place)) == A_BLOCK
    assert hashes(place) == undisturbed


def is_running(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc").exists(), reason="only /proc tells which processes run")
def test_killed_with_two_workers_each_redoes_at_most_one_block_and_none_is_left_behind(place, undisturbed):
    strike(place, 21, signal.SIGKILL, workers=2)
    workers = {int(process) for process, _ in log(place)}
    wait_until(lambda: not any(map(is_running, workers)))
    assert not any(map(is_running, workers))
    before = read_studies(place)
    finish(place, workers=2)
    assert hashes(place) == undisturbed
    assert len(before & read_studies(place)) <= 2 * A_BLOCK


class Stop(Exception):
    """Where a test ends an ingest."""


@pytest.fixture
def stopped(place, monkeypatch):
    """An ingest that ended when it had finished two blocks."""
    finished = []

    def read_block(block):
        if len(finished) == 2:
            raise Stop
        finished.append(ingest_blocks.read_block(block))
        return finished[-1]

    with monkeypatch.context() as patched, pytest.raises(Stop):
        patched.setattr("hohoho.ingest.ingest.read_block", read_block)
        run(place)
    (place / "log").unlink()
    return place


def test_the_terminal_says_how_many_studies_are_there(stopped, capsys):
    run(stopped)
    assert "ingest goes on: 6 of 12 studies are there already" in capsys.readouterr().out


@pytest.mark.parametrize("study", range(2 * A_BLOCK))
def test_a_block_with_a_changed_file_is_read_again_and_no_other(stopped, undisturbed, study):
    studies = sorted((scan.study for scan in find(stopped / "in").scans), key=partial(pseudonym, KEY, "study"))
    (stopped / "in" / studies[study].removeprefix("1.9.") / f"{study}").touch()
    run(stopped)
    begin = study // A_BLOCK * A_BLOCK
    assert read_studies(stopped) == {*studies[begin : begin + A_BLOCK], *studies[2 * A_BLOCK :]}
    assert hashes(stopped) == undisturbed


def test_another_version_of_the_code_takes_nothing_over(stopped, monkeypatch, undisturbed):
    monkeypatch.setattr("hohoho.ingest.ingest.code_version", lambda: "another")
    run(stopped)
    assert len(read_studies(stopped)) == STUDIES
    assert hashes(stopped) == undisturbed


DAMAGE = {
    "no sidecar": lambda sidecar, shard: sidecar.unlink(),
    "an empty sidecar": lambda sidecar, shard: sidecar.write_bytes(b""),
    "half a sidecar": lambda sidecar, shard: os.truncate(sidecar, sidecar.stat().st_size // 2),
    "zeros for a sidecar": lambda sidecar, shard: sidecar.write_bytes(bytes(sidecar.stat().st_size)),
    "no shard": lambda sidecar, shard: shard.unlink(),
    "an empty shard": lambda sidecar, shard: shard.write_bytes(b""),
    "a shard that lacks a byte": lambda sidecar, shard: os.truncate(shard, shard.stat().st_size - 1),
    "a shard with a slice too many": lambda sidecar, shard: os.truncate(shard, shard.stat().st_size + SIZE**2),
    "a shard without header": lambda sidecar, shard: shard.write_bytes(bytes(128) + shard.read_bytes()[128:]),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_block_that_is_not_whole_is_read_again_and_no_other(stopped, undisturbed, damage):
    sidecar = min(stopped.glob("work/*/*.json"))
    damage(sidecar, sidecar.with_name(json.loads(sidecar.read_text())["shard"]))
    run(stopped)
    assert len(read_studies(stopped)) == STUDIES - A_BLOCK
    assert hashes(stopped) == undisturbed


@pytest.mark.parametrize("difference", [{"code": "another"}, {"window_hu": (600, 2800)}])
def test_a_worker_that_was_given_up_and_ends_late_changes_nothing(place, monkeypatch, undisturbed, difference):
    def read_block(block):
        finished = ingest_blocks.read_block(block)
        block.sidecar.unlink()
        assert ingest_blocks.read_block(block._replace(**difference)).shard != finished.shard
        return finished

    monkeypatch.setattr("hohoho.ingest.ingest.read_block", read_block)
    run(place)
    assert hashes(place) == undisturbed


def test_two_ingests_never_work_in_one_folder(place):
    with scratch_folder(place / "work", "first"), pytest.raises(InputError, match="another ingest is at work"):
        run(place)


def test_what_an_interrupted_ingest_keeps_holds_no_name(stopped):
    kept = [path.name.encode() + path.read_bytes() for path in stopped.glob("work/*/*")]
    names = [name for study in range(STUDIES) for name in (f'"1.9.{study}', f'"P{study}')]
    assert len(kept) == 4
    assert not [name for name in (*names, "Doe", str(stopped)) if any(name.encode() in text for text in kept)]


@pytest.mark.parametrize("study", [1, 3, 4, 8])
def test_a_full_disk_is_told_of_and_costs_at_most_the_block_in_work(place, monkeypatch, undisturbed, study):
    def full(file, begin):
        if len(read_studies(place)) == study:
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched, pytest.raises(InputError, match="no room.*No space left.*start again"):
        patched.setattr(ingest_blocks, "start_writing", full)
        run(place)
    finished = (study - 1) // A_BLOCK
    assert len(list(place.glob("work/*/*.npy"))) == finished  # what could not be finished makes room
    (place / "log").unlink()
    run(place)
    assert len(read_studies(place)) == STUDIES - finished * A_BLOCK
    assert hashes(place) == undisturbed


def test_a_block_of_any_length_is_read_in_the_memory_of_a_study(tmp_path):
    peaks = []
    for studies in (2, 12):
        scan = find(write_studies(tmp_path / f"{studies}", 1)).scans[0]
        block = ingest_blocks.Block(tmp_path / f"{studies}.json", (scan,) * studies, 512, WINDOW_HU, "code")
        tracemalloc.start()
        finished = ingest_blocks.read_block(block)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert finished.shard.stat().st_size > studies * (SLICES - 1) * 512**2
    assert peaks[1] - peaks[0] < 512**2  # one slice
