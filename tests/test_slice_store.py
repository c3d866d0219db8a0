"""The slice store: what was put in row i comes back from row i, over any number of shards."""

import pickle

import numpy as np
import pandas as pd
import pytest

from hohoho.ingest.slice_writer import commit_store
from hohoho.labels import LABELS
from hohoho.slices.store import (
    SLICE_COLUMNS,
    STUDY_COLUMNS,
    SlicePixels,
    read_slice_table,
    read_study_table,
    scan_bounds,
)

SIZE = 8


def slice_table(rows):
    table = pd.DataFrame({name: [""] * rows for name in SLICE_COLUMNS})
    return table.assign(index=range(rows), position_mm=0.0, level=0, gap_before=False, **dict.fromkeys(LABELS, np.nan))


def study_table():
    row = {name: 0.0 for name, kind in STUDY_COLUMNS.items() if kind != "str"}
    return pd.DataFrame([row | {"study": "s", "patient": "p", "split": None, "kernel": None, "slices": 1}]).assign(
        manufacturer=None, age_band=None, sex=None
    )


def write_shards(folder, pixels, slices_a_shard=4):
    """Finished shards of `pixels` in `folder`."""
    folder.mkdir(exist_ok=True)
    paths = []
    for start in range(0, len(pixels), slices_a_shard):
        paths.append(folder / f"{start:03d}.npy")
        np.save(paths[-1], pixels[start : start + slices_a_shard])
    return paths


def write(folder, pixels, slices_a_shard=4):
    shards = write_shards(folder.with_name(f"{folder.name}-work"), pixels, slices_a_shard)
    commit_store(shards, folder, SIZE, slice_table(len(pixels)), study_table(), [])


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (11, SIZE, SIZE), dtype=np.uint8)


@pytest.mark.parametrize(("slices_a_shard", "shards"), [(1, 11), (4, 3), (11, 1)])
def test_pixels_come_back_in_order_from_any_number_of_shards(tmp_path, pixels, slices_a_shard, shards):
    write(tmp_path, pixels, slices_a_shard)
    assert [path.name for path in sorted(tmp_path.glob("*.npy"))] == [f"pixels-{n:03d}.npy" for n in range(shards)]
    store = SlicePixels(tmp_path)
    assert len(store) == 11 and store.image_size == SIZE
    assert np.array_equal(store.take(range(11)), pixels)


def test_rows_are_taken_in_the_order_asked_for_across_shards_and_repeated(tmp_path, pixels):
    write(tmp_path, pixels)
    rows = [10, 0, 4, 4, 3, 7]
    assert np.array_equal(SlicePixels(tmp_path).take(rows), pixels[rows])
    assert SlicePixels(tmp_path).take([]).shape == (0, SIZE, SIZE)


@pytest.mark.parametrize("row", [-1, 11])
def test_rows_outside_of_the_store_are_refused(tmp_path, pixels, row):
    write(tmp_path, pixels)
    with pytest.raises(IndexError):
        SlicePixels(tmp_path).take([0, row])


def test_pixels_are_read_only_and_travel_to_workers_by_path(tmp_path, pixels):
    write(tmp_path, pixels)
    store = SlicePixels(tmp_path)
    assert not store.shards[0].flags.writeable
    message = pickle.dumps(store)
    assert len(message) < 500
    assert np.array_equal(pickle.loads(message).take([5]), pixels[[5]])


def test_tables_keep_their_columns_and_types_even_where_all_is_null(tmp_path, pixels):
    write(tmp_path, pixels)
    slices, studies = read_slice_table(tmp_path), read_study_table(tmp_path)
    assert {name: str(kind) for name, kind in slices.dtypes.items()} == SLICE_COLUMNS
    assert {name: str(kind) for name, kind in studies.dtypes.items()} == STUDY_COLUMNS
    assert studies["split"].isna().all() and studies["kernel"].isna().all()


def test_a_missing_store_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no slice store"):
        SlicePixels(tmp_path)


@pytest.mark.parametrize("lengths", [[], [1], [5], [1, 1, 1], [3, 1, 4, 1, 5], [2] * 40])
@pytest.mark.parametrize("kind", [list, np.array, pd.Series])
def test_scans_are_the_runs_of_one_study_in_their_order(lengths, kind):
    studies = [f"s{number:02d}" for number, length in enumerate(lengths) for _ in range(length)]
    bounds = scan_bounds(kind(studies))
    ends = np.cumsum([0, *lengths]).tolist()
    assert bounds == [slice(start, end) for start, end in zip(ends[:-1], ends[1:], strict=True)]
    assert [studies[rows] for rows in bounds] == [[study] * studies.count(study) for study in sorted(set(studies))]
