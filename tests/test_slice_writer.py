"""Writing a slice store: a shard is gone on with at any slice, and a store that is there is never touched."""

import numpy as np
import pytest
from test_slice_store import SIZE, slice_table, study_table, write_shards

from hohoho.ingest.slice_writer import ShardWriter, is_finished, publish, slices_in
from hohoho.slices.store import SlicePixels, read_slice_table


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (11, SIZE, SIZE), dtype=np.uint8)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "shard.npy"


def append(path, pixels, slices=0):
    """A shard in work."""
    shard = ShardWriter(path, SIZE, slices)
    for picture in pixels:
        shard.append(picture)
    shard.flush()
    return shard


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def finish(tmp_path, pixels):
    shards = write_shards(tmp_path / "work", pixels)
    publish(shards, tmp_path / "store", SIZE, slice_table(len(pixels)), study_table(), [])
    return tmp_path / "store"


@pytest.mark.parametrize("slices", [1, 10, 11])
def test_a_shard_is_what_numpy_would_have_saved(tmp_path, path, pixels, slices):
    append(path, pixels[:slices]).close()
    np.save(tmp_path / "expected.npy", pixels[:slices])
    assert path.read_bytes() == (tmp_path / "expected.npy").read_bytes()
    assert is_finished(path, SIZE, slices)


@pytest.mark.parametrize("kept", range(10))
def test_a_shard_is_gone_on_with_behind_any_slice_as_if_it_had_never_stopped(tmp_path, path, pixels, kept):
    append(path, pixels[:9])
    append(path, pixels[kept:], kept).close()
    append(tmp_path / "at once.npy", pixels).close()
    assert path.read_bytes() == (tmp_path / "at once.npy").read_bytes()


def test_a_shard_in_work_counts_its_slices_and_is_no_array_yet(path, pixels):
    assert slices_in(path, SIZE) == 0
    append(path, pixels[:5])
    assert slices_in(path, SIZE) == 5
    assert not is_finished(path, SIZE, 5)
    with pytest.raises(ValueError):
        np.load(path)


def test_going_on_with_a_shard_never_changes_the_store_that_has_it(tmp_path, pixels):
    store = finish(tmp_path, pixels)
    before = contents(store)
    for shard in (tmp_path / "work").iterdir():
        append(shard, 255 - pixels, 1).close()
    assert contents(store) == before


def test_a_second_store_in_the_same_folder_leaves_nothing_of_the_first(tmp_path, pixels):
    store = finish(tmp_path, pixels)
    (store / ".slices.parquet.77.tmp").touch()  # of a process that was killed
    finish(tmp_path, pixels[:2])
    assert len(SlicePixels(store)) == len(read_slice_table(store)) == 2
    tables = ["slices.parquet", "studies.parquet", "test_images.parquet"]
    assert sorted(path.name for path in store.iterdir()) == ["pixels-000.npy", *tables]


def test_a_file_system_without_links_gets_copies(tmp_path, pixels, monkeypatch):
    def refuse(*_):
        raise OSError("no links here")

    monkeypatch.setattr("os.link", refuse)
    assert np.array_equal(SlicePixels(finish(tmp_path, pixels)).take(range(11)), pixels)


def test_rows_and_pixels_must_agree_in_number(tmp_path, pixels):
    shards = write_shards(tmp_path / "work", pixels)
    with pytest.raises(ValueError, match="10 rows"):
        publish(shards, tmp_path / "store", SIZE, slice_table(10), study_table(), [])
    assert not (tmp_path / "store").exists()
