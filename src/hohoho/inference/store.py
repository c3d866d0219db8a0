"""Embeddings and probabilities on disk, .npy files; row i belongs to row i of the slice store."""

from pathlib import Path

import numpy as np

from hohoho.files import atomic


def write_array(path: Path, array: np.ndarray) -> None:
    """Write one plain .npy file."""
    with atomic(path) as temporary, temporary.open("wb") as file:
        np.save(file, array, allow_pickle=False)


def read_array(path: Path) -> np.ndarray:
    """The array, memory-mapped read-only; (0, 5) are the probabilities of a model that the row does not have."""
    return np.load(path, mmap_mode="r", allow_pickle=False)
