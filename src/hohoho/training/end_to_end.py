"""CNN and bi-LSTM trained together, from the trained CNN on."""

import torch
from torch import Tensor, nn

from hohoho.models.backbones import SliceClassifier
from hohoho.models.lstm import ScanLstm
from hohoho.training.cnn import SliceTraining


class CnnLstm(nn.Module):
    """Slices of several scans, one after the other, in; their logits out.

    spatial_dropout: fraction of the embedding's features that training drops for a whole scan.
    """

    def __init__(self, cnn: SliceClassifier, lstm: ScanLstm, spatial_dropout: float):
        super().__init__()
        self.cnn, self.lstm, self.spatial_dropout = cnn, lstm, nn.Dropout1d(spatial_dropout)

    def forward(self, images: Tensor, slice_counts: Tensor) -> Tensor:
        """images: (slices of all scans, channels, H, W) in [0, 1]; slice_counts: (scans,). Returns (slices, 5)."""
        embeddings = self.cnn.embed(images).float()
        scans_and_features = embeddings.new_ones(len(slice_counts), embeddings.shape[1], 1)
        kept = self.spatial_dropout(scans_and_features).squeeze(2)
        counts = slice_counts.to(kept.device, non_blocking=True)
        embeddings = embeddings * kept.repeat_interleave(counts, dim=0, output_size=len(embeddings))
        with torch.autocast(images.device.type, enabled=False):  # many CPUs have no LSTM in bf16
            return self.lstm.of_slices(embeddings, slice_counts)


class EndToEndTraining(SliceTraining):
    """CNN and LSTM on the images of whole scans, each augmented as one.

    Neighbours that are mirrored or turned against each other are no scan, and a window is the same on all its slices;
    the spatial dropout is drawn per scan as well.
    """

    items, averaged = "scans", True

    def predict(self, batch: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """(slices, 5) logits and targets."""
        images, targets, slice_counts = batch
        return self.model(self.inputs(images, slice_counts), slice_counts), targets
