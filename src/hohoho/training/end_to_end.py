"""CNN and bi-LSTM trained together, from the trained CNN on."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import dropout1d
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset

from hohoho.models.backbones import SliceClassifier, to_unit
from hohoho.models.losses import summed_bce
from hohoho.models.lstm import ScanLstm
from hohoho.slices.batches import EpochShuffle, StackedSlices, as_fetched
from hohoho.training.augment import Augmentation, augment
from hohoho.training.fit import Training


class CnnLstm(nn.Module):
    """Slices of several scans, one after the other, in; their logits out.

    spatial_dropout: fraction of the embedding's features that training drops for a whole scan.
    """

    def __init__(self, cnn: SliceClassifier, lstm: ScanLstm, spatial_dropout: float):
        super().__init__()
        self.cnn, self.lstm, self.spatial_dropout = cnn, lstm, spatial_dropout

    def forward(self, images: Tensor, slice_counts: Tensor) -> Tensor:
        """images: (slices of all scans, channels, H, W) in [0, 1]; slice_counts: (scans,). Returns (slices, 5)."""
        scans = self.cnn.embed(images).float().split(slice_counts.tolist())
        padded = pad_sequence(list(scans), batch_first=True)
        padded = dropout1d(padded.transpose(1, 2), self.spatial_dropout, self.training).transpose(1, 2)
        with torch.autocast(images.device.type, enabled=False):  # many CPUs have no LSTM in bf16
            logits = self.lstm(padded.float(), slice_counts)
        return torch.cat([scan[:count] for scan, count in zip(logits, slice_counts.tolist(), strict=True)])


class ScanImages(Dataset):
    """Whole scans, fetched a batch at a time: (images, targets, slice_counts), the scans one after the other.

    bounds: [start, end) of each scan in `slices`.
    """

    def __init__(self, slices: StackedSlices, bounds: list[tuple[int, int]]):
        self.slices, self.bounds = slices, bounds

    def __len__(self) -> int:
        return len(self.bounds)

    def __getitems__(self, scans: list[int]) -> tuple[Tensor, Tensor, Tensor]:
        counts = [self.bounds[scan][1] - self.bounds[scan][0] for scan in scans]
        rows = np.concatenate([np.arange(*self.bounds[scan]) for scan in scans])
        return *self.slices.__getitems__(rows), torch.tensor(counts)


def scan_image_batches(scans: ScanImages, batch_size: int, seed: int | None) -> DataLoader:
    """Batches of whole scans with their images, shuffled by (seed, epoch) where a seed is given."""
    sampler = None if seed is None else EpochShuffle(len(scans), seed)
    return DataLoader(scans, batch_size, sampler=sampler, collate_fn=as_fetched)


class EndToEndTraining(Training):
    """BCE on every labelled slice; each slice is augmented as for the CNN. pos_weight: one factor a class, or None."""

    items = "scans"

    def __init__(self, model: CnnLstm, pos_weight: list[float] | None, optimizer, schedule, augmentation: Augmentation):
        super().__init__(model.to(memory_format=torch.channels_last), summed_bce(pos_weight), optimizer, schedule)
        self.augmentation = augmentation

    def _labelled(self, images: Tensor, targets: Tensor, slice_counts: Tensor) -> tuple[Tensor, Tensor]:
        known = torch.isfinite(targets).all(-1)
        return self.model(images, slice_counts.cpu())[known].float(), targets[known]

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor], _):
        images, targets, slice_counts = batch
        augmented = augment(to_unit(images), self.augmentation, self.generator)
        logits, known = self._labelled(augmented, targets, slice_counts)
        return self.logged_loss(self.loss(logits, known) / len(known), 1)

    def validation_step(self, batch: tuple[Tensor, Tensor, Tensor], _):
        images, targets, slice_counts = batch
        logits, known = self._labelled(to_unit(images), targets, slice_counts)
        self.log("val_loss", self.loss(logits, known) / len(known), batch_size=1)
        self.answers.append((known, logits))
