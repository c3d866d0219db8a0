"""Embeddings and probabilities of every slice, by the trained slice classifier."""

import numpy as np
import torch
from torch.utils.data import DataLoader
from tqdm import tqdm

from hohoho.backbones import SliceClassifier, to_unit
from hohoho.devices import inference_autocast


@torch.inference_mode()
def embed(
    model: SliceClassifier, batches: DataLoader, device: str, progress: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """((slices, features), (slices, 5)) float32: embeddings and probabilities, without augmentation or dropout.

    The backbone computes in bf16 where it was trained in bf16 and `device` has units for it; the head in float32.
    """
    model = model.to(device, memory_format=torch.channels_last).eval()
    embeddings, probabilities = [], []
    for images, _ in tqdm(batches, "embed", disable=not progress, unit="batch"):
        with inference_autocast(model.settings["precision"], device):
            embedding = model.embed(to_unit(images.to(device))).float()
        embeddings.append(embedding.cpu().numpy())
        probabilities.append(model.head(embedding).sigmoid().cpu().numpy())
    return np.concatenate(embeddings), np.concatenate(probabilities)
