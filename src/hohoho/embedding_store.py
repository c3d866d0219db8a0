"""Embeddings and probabilities on disk; row i belongs to row i of the slice store."""

from pathlib import Path

import numpy as np

from hohoho.files import atomic


def write_array(path: Path, array: np.ndarray) -> None:
    """Write one plain .npy file."""
    with atomic(path) as temporary, temporary.open("wb") as file:
        np.save(file, array, allow_pickle=False)


def write_embeddings(folder: Path, embeddings: np.ndarray, probabilities: np.ndarray) -> None:
    """Write (slices, features) and (slices, 5) float32."""
    write_array(folder / "embeddings.npy", embeddings)
    write_array(folder / "probabilities.npy", probabilities)


def read_embeddings(folder: Path) -> np.ndarray:
    """(slices, features) float32, memory-mapped read-only."""
    return np.load(folder / "embeddings.npy", mmap_mode="r", allow_pickle=False)


def read_probabilities(path: Path) -> np.ndarray:
    """(slices, 5) float32; (0, 5) where the row has no such model."""
    return np.load(path, allow_pickle=False)
