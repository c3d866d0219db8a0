"""Files asked for ahead: all that have to be waited for, none that are there already, and nothing else is touched."""

import os
from pathlib import Path

import pytest
from ct_files import KEY, WINDOW_HU, ct_study, save
from inventories import find

from hohoho import prefetch as room
from hohoho.ingest.ingest import ingest
from hohoho.prefetch import prefetch

OPEN_FILES = Path("/proc/self/fd")
pytestmark = pytest.mark.skipif(not hasattr(os, "RWF_NOWAIT"), reason="files are asked for on Linux alone")


@pytest.fixture
def asked(monkeypatch):
    """(file, first byte, bytes) of everything that is asked for."""
    found = []

    def note(descriptor, begin, size, advice):
        if advice == os.POSIX_FADV_WILLNEED:
            found.append((str((OPEN_FILES / str(descriptor)).readlink()), begin, size))

    monkeypatch.setattr(room.os, "posix_fadvise", note)
    return found


@pytest.fixture
def cold(monkeypatch):
    """As if no file were in memory."""
    monkeypatch.setattr(room, "_is_in_memory", lambda descriptor: False)


def written(folder, names):
    paths = [folder / name for name in names]
    for path in paths:
        path.write_bytes(b"slice")
    return paths


def test_every_file_that_must_be_waited_for_is_asked_for(tmp_path, asked, cold):
    paths = written(tmp_path, "abc")
    prefetch(paths, 4096)
    assert asked == [(str(path), 0, 4096) for path in paths]


def test_what_has_just_been_written_is_in_memory_and_not_asked_for(tmp_path, asked):
    prefetch(written(tmp_path, "abc"))
    assert asked == []


def test_a_file_that_would_block_is_not_in_memory(tmp_path, asked, monkeypatch):
    def block(*_):
        raise BlockingIOError

    monkeypatch.setattr(room.os, "preadv", block)
    prefetch(written(tmp_path, "ab"))
    assert len(asked) == 2


def test_pipes_folders_and_missing_files_are_passed_over(tmp_path, asked, cold):
    os.mkfifo(tmp_path / "pipe")  # opening it would never return
    [path] = written(tmp_path, "a")
    prefetch([tmp_path / "pipe", tmp_path, tmp_path / "missing", path])
    assert asked == [(str(path), 0, 0)]


def test_no_file_stays_open(tmp_path, cold):
    paths = written(tmp_path, "abc")
    before = list(OPEN_FILES.iterdir())
    prefetch(paths)
    assert list(OPEN_FILES.iterdir()) == before


def test_an_ingest_asks_for_every_header_and_for_every_file_once(tmp_path, asked, cold):
    for study in "12":
        for number, image in enumerate(ct_study(3)):
            image.StudyInstanceUID, image.SeriesInstanceUID = f"1.{study}", f"1.{study}.1"
            image.SOPInstanceUID, image.PatientID = f"1.{study}.1.{number}", study
            save(image, tmp_path / "tree" / study / f"{number}.dcm")
    files = sorted(map(str, (tmp_path / "tree").glob("*/*")))
    inventory = find(tmp_path / "tree")
    assert sorted(path for path, *_ in asked) == files
    asked.clear()
    ingest(inventory, tmp_path / "store", 64, WINDOW_HU, KEY)
    assert sorted(path for path, *_ in asked) == files
