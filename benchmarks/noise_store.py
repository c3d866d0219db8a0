"""A slice store of noise, as large as a benchmark asks for."""

from pathlib import Path

import numpy as np

from hohoho.slices.batches import StackedSlices
from hohoho.slices.store import SlicePixels

SHARD = 1000


def noise_slices(folder: Path, count: int, side: int) -> StackedSlices:
    """`count` slices of `side` pixels in shards as ingest writes them, each stacked with its neighbours."""
    rng = np.random.default_rng(0)
    for number, start in enumerate(range(0, count, SHARD)):
        pixels = rng.integers(0, 256, (min(SHARD, count - start), side, side), dtype=np.uint8)
        np.save(folder / f"pixels-{number:05d}.npy", pixels)
    rows = (np.arange(count)[:, None] + [-1, 0, 1]).clip(0, count - 1)
    return StackedSlices(SlicePixels(folder), rows, rng.random((count, 5)) < 0.2)
