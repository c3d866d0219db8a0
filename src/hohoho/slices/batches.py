"""Stacked slices in batches: uint8 from the store's memory map, normalised and augmented later, on the device."""

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from hohoho.labels import LABELS


class StackedSlices(Dataset):
    """Slices as (channels, H, W) uint8 with their (5,) targets, fetched a batch at a time.

    pixels: anything with `take(rows) -> (n, H, W) uint8`. rows: (slices, channels) store rows. targets: (slices, 5).
    """

    def __init__(self, pixels, rows: np.ndarray, targets: np.ndarray):
        self.pixels, self.rows, self.targets = pixels, rows, torch.tensor(targets, dtype=torch.float32)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, indices: list[int]) -> tuple[Tensor, Tensor]:
        rows = self.rows[indices]
        needed, position = np.unique(rows, return_inverse=True)  # neighbours share slices: read each once
        images = torch.from_numpy(self.pixels.take(needed))
        stacks = images.index_select(0, torch.from_numpy(position.ravel()))  # a quarter of the time of NumPy's indexing
        return stacks.view(*rows.shape, *images.shape[1:]), self.targets[indices]

    __getitems__ = __getitem__  # what a DataLoader calls with a batch's indices

    def store_rows(self, indices: list[int]) -> np.ndarray:
        """The store rows of the slices themselves, which stand between their neighbours."""
        return self.rows[indices, self.rows.shape[1] // 2]


def unlabelled_slices(pixels, rows: np.ndarray) -> StackedSlices:
    """Slices whose targets nobody asks for."""
    return StackedSlices(pixels, rows, np.zeros((len(rows), len(LABELS))))


class EpochShuffle(Sampler[int]):
    """A permutation drawn from (seed, epoch), so that a resumed run sees the batches that it would have seen."""

    def __init__(self, size: int, seed: int):
        self.size, self.seed, self.epoch = size, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.size

    def __iter__(self):
        return iter(np.random.default_rng((self.seed, self.epoch)).permutation(self.size).tolist())


def identity_collate(batch):
    """A batch comes whole from the data set; nothing is left to collate."""
    return batch


def training_batches(slices: StackedSlices, batch_size: int, seed: int) -> DataLoader:
    """Shuffled batches; a last batch of one slice is dropped, because batch normalisation cannot use it."""
    drop = len(slices) % batch_size == 1
    return DataLoader(
        slices,
        batch_size,
        sampler=EpochShuffle(len(slices), seed),
        collate_fn=identity_collate,
        drop_last=drop,
        pin_memory=torch.cuda.is_available(),  # copied to the GPU while it computes
    )


def ordered_batches(slices: StackedSlices, batch_size: int = 256) -> DataLoader:
    """All slices in their order."""
    return DataLoader(slices, batch_size, collate_fn=identity_collate)
