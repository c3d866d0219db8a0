"""Training of the slice classifier on augmented stacks."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from hohoho.models.backbones import to_float
from hohoho.training.augment import Augmentation, augment
from hohoho.training.fit import Training


class SliceTraining(Training):
    """Stage 1: the slice classifier on augmented stacks."""

    def __init__(self, model: nn.Module, loss: nn.Module, optimizer, schedule, augmentation: Augmentation):
        super().__init__(model.to(memory_format=torch.channels_last), loss, optimizer, schedule)
        self.augmentation = augmentation

    def inputs(self, images: Tensor, scans: Tensor | None = None) -> Tensor:
        """uint8 images as float in [0, 1]; augmented while training. scans: as of `augment`."""
        images = to_float(images)
        drawn = self.training and len(images)  # of a small last batch, a rank may have none
        return augment(images, self.augmentation, self.generator, scans, self.part) if drawn else images

    def predict(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """(slices, 5) logits and targets."""
        images, targets = batch
        return self.model(self.inputs(images)), targets


def optimizer_factory(name: str, learning_rate: float, weight_decay: float, precision: str = "32-true") -> Callable:
    """Parameters → optimiser: adam, sgd (momentum 0.9) or sgd_nesterov.

    Fused: one kernel updates all weights, a tenth of a step on a CPU. In 16-mixed it would be given scaled gradients.
    """
    common = {"lr": learning_rate, "weight_decay": weight_decay, "fused": precision != "16-mixed"}
    if name == "adam":
        return partial(torch.optim.Adam, **common)
    return partial(torch.optim.SGD, momentum=0.9, nesterov=name == "sgd_nesterov", **common)
