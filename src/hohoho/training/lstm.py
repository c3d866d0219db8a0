"""Training of the bi-LSTM on frozen embeddings."""

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from hohoho.slices.batches import EpochShuffle, identity_collate
from hohoho.training.fit import Training


class Scans(Dataset):
    """Whole scans, fetched a batch at a time: (inputs, targets, slice_counts), the scans one after the other.

    slices: inputs and targets by rows, `slices[rows]`. bounds: the rows of each scan in `slices`.
    """

    def __init__(self, slices: Dataset, bounds: list[slice]):
        self.slices, self.bounds = slices, bounds

    def __len__(self) -> int:
        return len(self.bounds)

    def __getitems__(self, scans: list[int]) -> tuple[Tensor, Tensor, Tensor]:
        counts = [self.bounds[scan].stop - self.bounds[scan].start for scan in scans]
        return *self.slices[self.store_rows(scans)], torch.tensor(counts, dtype=torch.int64)

    def store_rows(self, scans: list[int]) -> np.ndarray:
        """The rows of the scans' slices, the scans one after the other."""
        none = np.arange(0)  # of a small last batch, a rank may have no scan
        return np.concatenate([none, *(np.arange(self.bounds[scan].start, self.bounds[scan].stop) for scan in scans)])


def scan_batches(scans: Scans, batch_size: int, seed: int | None) -> DataLoader:
    """Batches of whole scans, shuffled by (seed, epoch) where a seed is given."""
    sampler = None if seed is None else EpochShuffle(len(scans), seed)
    return DataLoader(scans, batch_size, sampler=sampler, collate_fn=identity_collate)


class SequenceTraining(Training):
    """The LSTM on the embeddings of whole scans."""

    items, averaged = "scans", True

    def predict(self, batch: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """(slices, 5) logits and targets."""
        embeddings, targets, slice_counts = batch
        return self.model.of_slices(embeddings, slice_counts), targets
