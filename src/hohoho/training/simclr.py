"""SimCLR (arXiv:2002.05709): a backbone learns to tell two views of one stack from all others, without labels."""

from dataclasses import dataclass

import torch
from lightly.loss import NTXentLoss
from lightly.models.modules import SimCLRProjectionHead
from torch import Generator, Tensor, nn

from hohoho.models.backbones import Embedder, to_float
from hohoho.training.augment import color_jitter, rotate_and_flip
from hohoho.training.fit import Training


@dataclass(frozen=True)
class Views:
    """What two views of one stack may differ in: rotation, both flips, colour jitter."""

    rotation_deg: float
    jitter: float
    jitter_probability: float

    def draw(self, images: Tensor, generator: Generator) -> Tensor:
        """(slices, channels, H, W) in [0, 1] → one random view of each."""
        images = rotate_and_flip(images, self.rotation_deg, True, True, generator)
        return color_jitter(images, self.jitter, self.jitter_probability, generator)


class Projector(Embedder):
    """Normalisation, backbone and projection head: (slices, channels, H, W) in [0, 1] → (slices, features)."""

    def __init__(self, backbone: nn.Module, mean: list[float], std: list[float], features: int):
        super().__init__(backbone, mean, std)
        self.projection = SimCLRProjectionHead(backbone.num_features, backbone.num_features, features)

    def forward(self, images: Tensor) -> Tensor:
        return self.projection(self.embed(images))


class SimclrTraining(Training):
    """NT-Xent over two views of every slice of a batch."""

    averaged = True

    def __init__(self, model: Projector, temperature: float, optimizer, schedule, views: Views):
        super().__init__(model.to(memory_format=torch.channels_last), NTXentLoss(temperature), optimizer, schedule)
        self.views = views

    def model_step(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """The loss, and both views' projections: each is the other's target."""
        images = to_float(batch[0])
        first, second = (self.model(self.views.draw(images, self.generator)).float() for _ in range(2))
        with torch.autocast(first.device.type, enabled=False):  # similarities in float32
            return self.loss(first, second), first, second
