"""Training of the slice classifier on augmented stacks."""

from collections.abc import Callable

import torch
from torch import Tensor

from hohoho.augment import Augmentation, augment
from hohoho.backbones import SliceClassifier, to_unit
from hohoho.training import Training


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


def optimizer_factory(name: str, learning_rate: float, weight_decay: float) -> Callable:
    """Parameters → optimiser: adam, sgd (momentum 0.9) or sgd_nesterov."""
    if name == "adam":
        return lambda parameters: torch.optim.Adam(parameters, learning_rate, weight_decay=weight_decay)
    nesterov = {"sgd": False, "sgd_nesterov": True}[name]
    return lambda parameters: torch.optim.SGD(
        parameters, learning_rate, momentum=0.9, nesterov=nesterov, weight_decay=weight_decay
    )
