"""Embeddings and probabilities of every slice, by the trained slice classifier."""

from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader
from tqdm import tqdm

from hohoho.backbones import SliceClassifier, to_unit
from hohoho.files import atomic


@torch.inference_mode()
def embed(
    model: SliceClassifier, batches: DataLoader, device: str, progress: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """((slices, features), (slices, 5)) float32: embeddings and probabilities, without augmentation or dropout."""
    model = model.to(device, memory_format=torch.channels_last).eval()
    embeddings, probabilities = [], []
    for images, _ in tqdm(batches, "embed", disable=not progress, unit="batch"):
        embedding = model.embed(to_unit(images.to(device)))
        embeddings.append(embedding.cpu().numpy())
        probabilities.append(model.head(embedding).sigmoid().cpu().numpy())
    return np.concatenate(embeddings), np.concatenate(probabilities)


def write_embeddings(folder: Path, embeddings: np.ndarray, probabilities: np.ndarray) -> None:
    """Write both arrays; row i belongs to row i of the slice store."""
    for name, array in (("embeddings.npy", embeddings), ("probabilities.npy", probabilities)):
        with atomic(folder / name) as temporary, temporary.open("wb") as file:
            np.save(file, array, allow_pickle=False)


def read_embeddings(folder: Path) -> np.ndarray:
    """(slices, features) float32, memory-mapped read-only."""
    return np.load(folder / "embeddings.npy", mmap_mode="r", allow_pickle=False)


def read_probabilities(folder: Path) -> np.ndarray:
    """(slices, 5) float32: the slice classifier's own probabilities."""
    return np.load(folder / "probabilities.npy", allow_pickle=False)
