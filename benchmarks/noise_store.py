"""A slice store of smooth noise, as large as a benchmark asks for."""

from pathlib import Path

import cv2
import numpy as np

from hohoho.slices.batches import StackedSlices
from hohoho.slices.store import SlicePixels

SHARD, BLOBS = 1000, 12


def noise_slices(folder: Path, count: int, side: int) -> StackedSlices:
    """`count` slices of `side` pixels in shards as ingest writes them, each stacked with its neighbours."""
    rng = np.random.default_rng(0)
    for number, start in enumerate(range(0, count, SHARD)):
        blobs = rng.integers(0, 256, (min(SHARD, count - start), BLOBS, BLOBS), dtype=np.uint8)
        np.save(folder / f"pixels-{number:05d}.npy", np.stack([cv2.resize(blob, (side, side)) for blob in blobs]))
    rows = (np.arange(count)[:, None] + [-1, 0, 1]).clip(0, count - 1)
    return StackedSlices(SlicePixels(folder), rows, rng.random((count, 5)) < 0.2)
