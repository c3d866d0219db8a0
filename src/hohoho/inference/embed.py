"""Embeddings and probabilities of every slice, by the trained slice classifier."""

import numpy as np
import torch
from torch.utils.data import DataLoader
from tqdm import tqdm

from hohoho.errors import NumericBreakdown
from hohoho.models.backbones import SliceClassifier, to_float
from hohoho.models.devices import inference_autocast


@torch.no_grad()  # not inference mode, whose weights no saliency could be asked of afterwards
def embed(
    model: SliceClassifier, batches: DataLoader, device: str, progress: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """((slices, features), (slices, 5)) float32: embeddings and probabilities, without augmentation or dropout.

    The backbone computes in bf16 where it was trained in bf16 and `device` has units for it; the head in float32.
    Raises NumericBreakdown where an embedding is not finite.
    """
    model = model.to(device, memory_format=torch.channels_last).eval()
    embeddings, probabilities = [], []
    for images, _ in tqdm(batches, "embed", disable=not progress, unit="batch"):
        with inference_autocast(model.settings["precision"], device):
            embedding = model.embed(to_float(images.to(device))).float()
        embeddings.append(embedding.cpu().numpy())
        probabilities.append(model.head(embedding).sigmoid().cpu().numpy())
        if not np.isfinite(embeddings[-1]).all():
            raise NumericBreakdown(
                f"the CNN's embeddings are not finite in {model.settings['precision']}: train it again with a lower "
                "train_cnn.learning_rate, or with train_cnn.precision=32-true"
            )
    return np.concatenate(embeddings), np.concatenate(probabilities)
