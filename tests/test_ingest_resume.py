"""An ingest that is killed at any moment goes on behind the last study done, and ends as if nothing had been."""

import errno
import hashlib
import json
import multiprocessing
import os
import signal
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from ct_files import SIDE, ct_study, save, set_pixels
from inventories import find

from hohoho.dicom.reader import read_slice
from hohoho.errors import InputError
from hohoho.ingest import blocks as ingest_blocks
from hohoho.ingest.checkpoint import work_folder
from hohoho.ingest.ingest import ingest
from hohoho.ingest.slice_writer import ShardWriter

KEY, WINDOW_HU, SIZE = b"a key for tests only", (40, 80), 64
STUDIES, SLICES, BLOCKS = 12, 6, 4  # three studies a shard
processes = multiprocessing.get_context("forkserver")  # its children start with all modules loaded
processes.set_forkserver_preload([__name__])


@pytest.fixture(autouse=True)
def few_blocks(monkeypatch):
    monkeypatch.setattr(ingest_blocks, "BLOCKS", BLOCKS)  # what `run` sets in this process is taken back


def write_studies(folder, count=STUDIES):
    rng = np.random.default_rng(0)
    for study in range(count):
        for number, image in enumerate(ct_study(SLICES)):
            image.PatientID, image.StudyInstanceUID, image.SeriesInstanceUID = f"P{study}", f"1.{study}", f"1.{study}.1"
            image.SOPInstanceUID = f"1.{study}.1.{number}"
            set_pixels(image, rng.integers(-20, 100, (SIDE, SIDE), dtype=np.int16))
            save(image, folder / f"{study}" / f"{number}")


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
    """Of all files of the store, hidden ones too, and of the report."""
    files = [*sorted((place / "out").iterdir()), place / "report"] if (place / "out").exists() else []
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.exists()}


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


@pytest.mark.parametrize("slice_number", [1, 2, 6, 7, 12, 13, 18, 19, 24, 25, 31, 36, 37, 43, 54, 55, 60, 66, 71, 72])
def test_a_kill_at_any_slice_costs_at_most_the_study_in_work(place, undisturbed, slice_number):
    strike(place, slice_number, signal.SIGKILL)
    before = read_studies(place)
    finish(place)
    assert hashes(place) == undisturbed
    assert not (place / "work").exists()
    assert len(before & read_studies(place)) <= 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_being_asked_to_stop_costs_no_more_than_being_killed(place, undisturbed, number):
    strike(place, 21, number)
    before = read_studies(place)
    finish(place)
    assert hashes(place) == undisturbed
    assert len(before & read_studies(place)) <= 1


def is_running(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc").exists(), reason="only /proc tells which processes run")
def test_killed_with_two_workers_each_redoes_at_most_one_study_and_none_is_left_behind(place, undisturbed):
    strike(place, 21, signal.SIGKILL, workers=2)
    workers = {int(process) for process, _ in log(place)}
    wait_until(lambda: not any(map(is_running, workers)))
    assert not any(map(is_running, workers))
    before = read_studies(place)
    finish(place, workers=2)
    assert hashes(place) == undisturbed
    assert len(before & read_studies(place)) <= 2


class Stop(Exception):
    """Where a test ends an ingest."""


def stop_after(monkeypatch, studies):
    """The next ingest in this process fails when it has done so many studies."""
    write, lines = ingest_blocks._write, []

    def counted(journal, line):
        write(journal, line)
        lines.append(line)
        if sum(b'"study"' in line for line in lines) == studies:
            raise Stop

    with monkeypatch.context() as patched:
        patched.setattr(ingest_blocks, "_write", counted)
        yield


def stopped(place, monkeypatch, studies):
    with pytest.raises(Stop):
        for _ in stop_after(monkeypatch, studies):
            run(place)
    (place / "log").unlink()


def test_the_terminal_says_how_many_studies_were_there(place, monkeypatch, capsys):
    stopped(place, monkeypatch, 7)
    run(place)
    assert "ingest goes on: 7 of 12 studies are there already" in capsys.readouterr().out


def test_a_study_whose_file_changed_is_read_again(place, monkeypatch):
    stopped(place, monkeypatch, 7)
    begun = json.loads(next(iter(sorted((place / "work").glob("*/*.jsonl")))).read_text().splitlines()[1])["study"]
    changed = next(scan for scan in find(place / "in").scans if ingest_blocks.mark(logged(scan, place)) == begun)
    Path(changed.images[0].path).touch()
    run(place)
    assert changed.study in read_studies(place)


def logged(scan, place):
    return replace(scan, read_slice=partial(logged_read, log=place / "log"))


def test_another_version_of_the_code_takes_nothing_over(place, monkeypatch, undisturbed):
    stopped(place, monkeypatch, 7)
    monkeypatch.setattr("hohoho.ingest.ingest.code_version", lambda: "another")
    run(place)
    assert len(read_studies(place)) == STUDIES
    assert hashes(place) == undisturbed


def test_a_line_that_was_cut_off_and_pixels_that_were_lost_count_as_not_done(place, monkeypatch, undisturbed):
    stopped(place, monkeypatch, 5)
    first, second = sorted((place / "work").glob("*/*.jsonl"))
    first.write_bytes(first.read_bytes()[:-1])
    os.truncate(second.with_suffix(".npy"), 1000)
    run(place)
    assert len(read_studies(place)) == STUDIES - 2
    assert hashes(place) == undisturbed


def test_two_ingests_never_work_in_one_folder(place):
    with work_folder(place / "work", "first"), pytest.raises(InputError, match="another ingest is at work"):
        run(place)


def test_the_journal_holds_no_name(place, monkeypatch):
    stopped(place, monkeypatch, 7)
    kept = b"".join(path.read_bytes() for path in (place / "work").glob("*/*.jsonl"))
    assert kept and not [word for word in (b"P1", b"1.1", b"Doe", str(place).encode()) if word in kept]


def test_a_full_disk_is_told_of_and_costs_at_most_the_study_in_work(place, monkeypatch, undisturbed):
    flush = ShardWriter.flush

    def full(shard):
        if len(read_studies(place)) > 7:
            raise OSError(errno.ENOSPC, "No space left on device")
        flush(shard)

    monkeypatch.setattr(ShardWriter, "flush", full)
    with pytest.raises(InputError, match="no room.*No space left.*start again"):
        run(place)
    monkeypatch.setattr(ShardWriter, "flush", flush)
    (place / "log").unlink()
    run(place)
    assert len(read_studies(place)) == STUDIES - 7
    assert hashes(place) == undisturbed
