"""Writing a slice store: gone on with at any slice, and never in the way of a store that is there."""

import numpy as np
import pytest
from test_slice_store import SIZE, slice_table, study_table

from hohoho.slice_store import SlicePixels, read_slice_table, shard_files
from hohoho.slice_writer import SliceWriter, publish, slices_in

SHARD = 4  # slices


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (11, SIZE, SIZE), dtype=np.uint8)


@pytest.fixture
def work(tmp_path):
    return tmp_path / "work"


def writer(folder, slices=0):
    return SliceWriter(folder, SIZE, slices, shard_bytes=SHARD * SIZE * SIZE)


def write(folder, pixels, slices=0):
    growing = writer(folder, slices)
    growing.append(pixels[slices:])
    growing.close()


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def finish(work, store, pixels):
    write(work, pixels)
    publish(work, store, slice_table(len(pixels)), study_table())


def test_a_shard_is_what_numpy_would_have_saved(tmp_path, work, pixels):
    write(work, pixels)
    for number, shard in enumerate(shard_files(work)):
        np.save(tmp_path / "expected.npy", pixels[number * SHARD : (number + 1) * SHARD])
        assert shard.read_bytes() == (tmp_path / "expected.npy").read_bytes()


@pytest.mark.parametrize("kept", range(12))
def test_writing_goes_on_behind_any_slice_as_if_it_had_never_stopped(tmp_path, work, pixels, kept):
    write(tmp_path / "at once", pixels)
    stopped = writer(work)
    stopped.append(pixels[:9])
    stopped.append(255 - pixels[9:])  # what is behind the kept slices does not count
    stopped.sync()
    kept = min(kept, 9)
    assert slices_in(work, SIZE) == 11
    write(work, pixels, kept)
    assert contents(work) == contents(tmp_path / "at once")


def test_appended_slices_are_on_the_disk_after_sync_whatever_comes_then(work, pixels):
    growing = writer(work)
    growing.append(pixels[:5])
    growing.sync()
    assert slices_in(work, SIZE) == 5


def test_going_on_never_changes_a_store_that_has_the_same_files(tmp_path, work, pixels):
    finish(work, tmp_path / "store", pixels)
    before = contents(tmp_path / "store")
    growing = writer(work, 9)
    growing.append(255 - pixels)
    growing.close()
    assert contents(tmp_path / "store") == before


def test_an_older_store_stays_whole_until_the_new_one_is_complete(tmp_path, work, pixels):
    finish(work, tmp_path / "store", pixels)
    writer(work).append(255 - pixels)
    assert len(read_slice_table(tmp_path / "store")) == 11
    assert np.array_equal(SlicePixels(tmp_path / "store").take(range(11)), pixels)


def test_a_second_store_in_the_same_folder_leaves_nothing_of_the_first(tmp_path, work, pixels):
    store = tmp_path / "store"
    finish(work, store, pixels)
    (store / ".slices.parquet.77.tmp").touch()  # of a process that was killed
    finish(work, store, pixels[:2])
    assert len(SlicePixels(store)) == len(read_slice_table(store)) == 2
    assert sorted(path.name for path in store.iterdir()) == ["pixels-000.npy", "slices.parquet", "studies.parquet"]


def test_a_file_system_without_links_gets_copies(tmp_path, work, pixels, monkeypatch):
    def refuse(*_):
        raise OSError("no links here")

    monkeypatch.setattr("os.link", refuse)
    finish(work, tmp_path / "store", pixels)
    assert np.array_equal(SlicePixels(tmp_path / "store").take(range(11)), pixels)


def test_rows_and_pixels_must_agree_in_number(tmp_path, work, pixels):
    write(work, pixels)
    with pytest.raises(ValueError, match="10 rows"):
        publish(work, tmp_path / "store", slice_table(10), study_table())
    assert not (tmp_path / "store").exists()
