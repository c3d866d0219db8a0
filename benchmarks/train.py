"""What the training loop costs beside the network: slices a second against one resident batch; SimCLR's pairs likewise.

`uv run python benchmarks/train.py`: ResNet-18, 96 px, batch 48, float32, on the CPU. Every step of `fit` – reading from
a store, augmentation, Lightning, checks, logs – is followed by one step of each rival, each with its own model:
  resident   the same model, loss and optimizer, fed one normalised batch again and again, in a bare loop
  default    float32 NCHW, per-sample torchvision transforms, DataLoader and Adam as they come (no workers)
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from lightly.loss import NTXentLoss
from noise_store import noise_slices
from timing import Clock, clock_of, options, seconds, table
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.transforms.functional import to_pil_image

from hohoho.models.backbones import SliceClassifier, build_backbone
from hohoho.models.losses import AsymmetricLoss
from hohoho.params import Record
from hohoho.slices.batches import StackedSlices, training_batches
from hohoho.training.augment import Augmentation
from hohoho.training.cnn import SliceTraining, optimizer_factory
from hohoho.training.fit import Recipe, Training, fit
from hohoho.training.schedule import constant
from hohoho.training.simclr import Projector, SimclrTraining

SIDE, BATCH, HALF, WARM_UP = 96, 48, [0.5] * 3, 2
CPU = Record({"device": "cpu", "progress": False})
ADAM, SGD = optimizer_factory("adam", 0.001, 0.0001), optimizer_factory("sgd", 0.05, 0.0005)


def classifier() -> SliceClassifier:
    return SliceClassifier("resnet18", build_backbone("resnet18", 3), HALF, HALF, dropout=0.5)


def cnn_training() -> SliceTraining:
    how = Augmentation(rotation_deg=20, flip=True, jitter=0.1, jitter_probability=0.4)
    return SliceTraining(classifier(), AsymmetricLoss(), ADAM, constant, how)


def simclr_training() -> SimclrTraining:
    how = Augmentation(rotation_deg=90, flip=True, jitter=0.1, jitter_probability=0.8, flip_vertical=True)
    projector = Projector(build_backbone("resnet18", 3), HALF, HALF, 64)
    return SimclrTraining(projector, NTXentLoss(0.5), SGD, constant, how)


def resident_step(batch_size: int, model, head: Callable, loss: Callable, factory: Callable) -> Callable[[], None]:
    """A step on a batch that is there already. head: behind the backbone; loss: of what comes out of it."""
    model.to(memory_format=torch.channels_last)
    images = torch.randn(batch_size, 3, SIDE, SIDE).contiguous(memory_format=torch.channels_last)
    optimizer = factory(model.parameters())

    def step():
        optimizer.zero_grad()
        loss(head(model.backbone(images))).backward()
        optimizer.step()

    return step


class Samples(Dataset):
    """One transformed sample at a time."""

    def __init__(self, slices: StackedSlices):
        self.slices = slices
        how = [transforms.RandomRotation(20, transforms.InterpolationMode.BILINEAR), transforms.RandomHorizontalFlip()]
        jitter = transforms.RandomApply([transforms.ColorJitter(0.1, 0.1, 0.1)], 0.4)
        self.transform = transforms.Compose([*how, jitter, transforms.ToTensor(), transforms.Normalize(HALF, HALF)])

    def __len__(self):
        return len(self.slices)

    def __getitem__(self, index):
        images, targets = self.slices[[index]]
        return self.transform(to_pil_image(images[0])), targets[0]


def default_step(slices: StackedSlices):
    """A step of the loop that tutorials write."""
    model, loss = classifier(), AsymmetricLoss()
    optimizer = torch.optim.Adam(model.parameters(), 0.001, weight_decay=0.0001)
    batches = iter(DataLoader(Samples(slices), BATCH, shuffle=True))

    def step():
        images, targets = next(batches)
        optimizer.zero_grad()
        loss(model(images), targets).backward()
        optimizer.step()

    return step


def step_times(module: Training, slices: StackedSlices, steps: int, rivals: dict, clock: Clock) -> dict[str, list]:
    """Seconds of each step of `fit` and of each rival, in turns; the first steps warm up."""
    times, start = {name: [] for name in ("hohoho", *rivals)}, [clock()]

    def after_step(*_):
        times["hohoho"].append(clock() - start[0])
        for name, step in rivals.items():
            times[name].append(seconds(step, clock))
        module.trainer.should_stop = len(times["hohoho"]) == WARM_UP + steps
        start[0] = clock()

    module.on_train_batch_end = after_step
    fit(module, training_batches(slices, BATCH, 0), None, Recipe("train_cnn", 1, 0), CPU)
    return {name: taken[WARM_UP:] for name, taken in times.items()}


def main() -> None:
    """Print one line per contender."""
    parser = options(__doc__, rounds=12)
    clock = clock_of(given := parser.parse_args())
    with tempfile.TemporaryDirectory() as folder:
        slices = noise_slices(Path(folder), BATCH * (WARM_UP + given.rounds), SIDE)
        model, asymmetric, targets = classifier(), AsymmetricLoss(), (torch.rand(BATCH, 5) < 0.2).float()
        rivals = {
            "resident": resident_step(BATCH, model, model.head, lambda logits: asymmetric(logits, targets), ADAM),
            "default": default_step(slices),
        }
        print(table(step_times(cnn_training(), slices, given.rounds, rivals, clock), BATCH, "slices"), flush=True)
        model, contrast = simclr_training().model, NTXentLoss(0.5)
        rival = resident_step(2 * BATCH, model, model.projection, lambda views: contrast(*views.chunk(2)), SGD)
        pairs = step_times(simclr_training(), slices, given.rounds // 2, {"resident": rival}, clock)
        print(table({f"SimCLR, {name}": taken for name, taken in pairs.items()}, BATCH, "pairs"), flush=True)


if __name__ == "__main__":
    main()
