"""Training of the bi-LSTM on frozen embeddings."""

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from hohoho.models.losses import summed_bce
from hohoho.models.lstm import ScanBatch, ScanLstm, collate
from hohoho.slices.batches import EpochShuffle
from hohoho.training.fit import Training


class SequenceTraining(Training):
    """BCE on every labelled slice of every scan. pos_weight: one factor a class, or None."""

    items = "scans"

    def __init__(self, model: ScanLstm, pos_weight: list[float] | None, optimizer, schedule):
        super().__init__(model, summed_bce(pos_weight), optimizer, schedule)

    def labelled(self, batch: ScanBatch) -> tuple[Tensor, Tensor]:
        """Logits and targets of the slices that are labelled, (slices, 5) each."""
        known = torch.isfinite(batch.targets).all(-1)
        return self.model(batch.embeddings, batch.slice_counts.cpu())[known], batch.targets[known]

    def training_step(self, batch: ScanBatch, _):
        logits, targets = self.labelled(batch)
        return self.logged_loss(self.loss(logits, targets) / len(logits), 1)

    def validation_step(self, batch: ScanBatch, _):
        logits, targets = self.labelled(batch)
        self.log("val_loss", self.loss(logits, targets) / len(logits), batch_size=1)
        self.answers.append((targets, logits))


def scan_batches(scans: list[tuple[np.ndarray, np.ndarray]], batch_size: int, seed: int | None) -> DataLoader:
    """Batches of whole scans, shuffled by (seed, epoch) where a seed is given.

    scans: (slices, features) embeddings and (slices, 5) targets of each.
    """
    scans = [(torch.from_numpy(embeddings), torch.tensor(targets)) for embeddings, targets in scans]
    sampler = None if seed is None else EpochShuffle(len(scans), seed)
    return DataLoader(scans, batch_size, sampler=sampler, collate_fn=collate)
