"""Writing a slice store: a shard is whole or absent, and a store that is there is never touched."""

import numpy as np
import pytest
from test_slice_store import SIZE, slice_table, study_table, write_shards

from hohoho.ingest.slice_writer import commit_store, is_finished, new_shard, start_writing
from hohoho.slices.store import SlicePixels, read_slice_table


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (11, SIZE, SIZE), dtype=np.uint8)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "shard.npy"


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def finish(tmp_path, pixels):
    shards = write_shards(tmp_path / "work", pixels)
    commit_store(shards, tmp_path / "store", SIZE, slice_table(len(pixels)), study_table(), [])
    return tmp_path / "store"


@pytest.mark.parametrize("slices", [0, 1, 10, 11])
def test_a_shard_is_what_numpy_would_have_saved(tmp_path, path, pixels, slices):
    with new_shard(path, SIZE) as file:
        for picture in pixels[:slices]:
            file.write(picture)
            start_writing(file, file.tell() - picture.size)
            assert not is_finished(path, SIZE, slices)
    np.save(tmp_path / "expected.npy", pixels[:slices])
    assert path.read_bytes() == (tmp_path / "expected.npy").read_bytes()
    assert [n for n in range(12) if is_finished(path, SIZE, n)] == [slices]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt, ValueError])
def test_a_shard_that_fails_leaves_no_file(path, pixels, error):
    with pytest.raises(error), new_shard(path, SIZE) as file:
        file.write(pixels)
        raise error
    assert not path.exists()


def test_a_shard_is_never_written_over(tmp_path, pixels):
    store = finish(tmp_path, pixels)
    before = contents(store), contents(tmp_path / "work")
    for path in (tmp_path / "work").iterdir():
        with pytest.raises(FileExistsError), new_shard(path, SIZE):
            raise AssertionError
    assert (contents(store), contents(tmp_path / "work")) == before


def test_shards_without_slices_are_left_out_of_the_store(tmp_path, pixels):
    shards = write_shards(tmp_path / "work", pixels)
    for number in range(3):
        with new_shard(tmp_path / f"{number}.npy", SIZE):
            shards.insert(2 * number, tmp_path / f"{number}.npy")
    commit_store(shards, tmp_path / "store", SIZE, slice_table(len(pixels)), study_table(), [])
    assert np.array_equal(SlicePixels(tmp_path / "store").take(range(11)), pixels)
    assert len(SlicePixels(tmp_path / "store").shards) == 3


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
        commit_store(shards, tmp_path / "store", SIZE, slice_table(10), study_table(), [])
    assert not (tmp_path / "store").exists()
