"""SimCLR (arXiv:2002.05709): a backbone learns to tell two views of one stack from all others, without labels."""

import torch
from lightly.models.modules import SimCLRProjectionHead
from torch import Tensor, nn

from hohoho.models.backbones import Embedder
from hohoho.training.cnn import SliceTraining


class Projector(Embedder):
    """Normalisation, backbone and projection head: (slices, channels, H, W) in [0, 1] → (slices, features)."""

    def __init__(self, backbone: nn.Module, mean: list[float], std: list[float], features: int):
        super().__init__(backbone, mean, std)
        self.projection = SimCLRProjectionHead(backbone.num_features, backbone.num_features, features)

    def forward(self, images: Tensor) -> Tensor:
        return self.projection(self.embed(images))


class SimclrTraining(SliceTraining):
    """Two augmented views of every slice of a batch. loss: NT-Xent; augmentation: what views may differ in.

    Both go through the network together, as in the paper: batch normalisation sees them as one batch. Of several ranks
    each takes its negatives from its own part of the batch.
    """

    averaged = True

    def model_step(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """The loss, and both views' projections: each is the other's target."""
        views = self.inputs(batch[0].repeat(2, 1, 1, 1))
        projections = self.model(views).float()
        if not len(views):  # a rank's part of a small last batch
            return projections.sum(), projections, projections
        first, second = projections.chunk(2)
        with torch.autocast(first.device.type, enabled=False):  # similarities in float32
            return self.loss(first, second), first, second
