"""Training of the slice classifier on augmented stacks."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from hohoho.models.backbones import SliceClassifier, to_unit
from hohoho.training.augment import Augmentation, augment
from hohoho.training.fit import Training


class SliceTraining(Training):
    """Stage 1: the slice classifier on augmented stacks."""

    def __init__(self, model: SliceClassifier, loss, optimizer, schedule, augmentation: Augmentation):
        super().__init__(model.to(memory_format=torch.channels_last), loss, optimizer, schedule)
        self.augmentation = augmentation

    def training_step(self, batch: tuple[Tensor, Tensor], _):
        images, targets = batch
        logits = self.model(augment(to_unit(images), self.augmentation, self.generator))
        return self.logged_loss(self.loss(logits, targets), len(images))

    def validation_step(self, batch: tuple[Tensor, Tensor], _):
        images, targets = batch
        logits = self.model(to_unit(images))
        self.log("val_loss", self.loss(logits, targets) / len(images), batch_size=len(images))
        self.answers.append((targets, logits))


def optimizer_factory(name: str, learning_rate: float, weight_decay: float, precision: str = "32-true") -> Callable:
    """Parameters → optimiser: adam, sgd (momentum 0.9) or sgd_nesterov.

    Fused: one kernel updates all weights, a tenth of a step on a CPU. In 16-mixed it would be given scaled gradients.
    """
    common = {"lr": learning_rate, "weight_decay": weight_decay, "fused": precision != "16-mixed"}
    if name == "adam":
        return partial(torch.optim.Adam, **common)
    return partial(torch.optim.SGD, momentum=0.9, nesterov=name == "sgd_nesterov", **common)
