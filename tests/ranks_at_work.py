"""Tiny trainings as the stages run them: alone in this process, or as a script in each of torchrun's ranks.

    python -m hohoho.stage.agent --standalone --nproc-per-node=2 tests/ranks_at_work.py FOLDER KIND …

In ranks, FOLDER/<KIND>.json and .safetensors say what came of each; where FOLDER/kill is, rank 1 kills itself at the
second step of the second epoch, once.
"""

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np
import torch
from lightly.loss import NTXentLoss
from safetensors.torch import save_file
from torch.utils.data import TensorDataset

from hohoho.models.backbones import SliceClassifier, build_backbone
from hohoho.models.losses import build_loss, summed_bce
from hohoho.models.lstm import ScanLstm
from hohoho.params import Record
from hohoho.ranks import rank
from hohoho.slices.batches import StackedSlices, ordered_batches, training_batches
from hohoho.training.augment import Augmentation
from hohoho.training.cnn import SliceTraining, optimizer_factory
from hohoho.training.end_to_end import CnnLstm, EndToEndTraining
from hohoho.training.fit import Recipe, fit
from hohoho.training.lstm import Scans, SequenceTraining, scan_batches
from hohoho.training.schedule import warmup_cosine
from hohoho.training.simclr import Projector, SimclrTraining

COUNT, BATCH, EPOCHS = 21, 8, 3  # batches of 8, 8 and 5: of the last one, two ranks have 2 and 3
BOUNDS = [slice(0, 5), slice(5, 13), slice(13, 21)]  # in batches of two scans: of the last one, a rank has none
HALF = [0.5] * 3
AUGMENTATION = Augmentation(20, True, 0.1, 0.4)
CPU = Record({"device": "cpu", "progress": False})


class Pixels:
    """Random pictures that answer like a slice store."""

    images = np.random.default_rng(0).integers(0, 256, (COUNT, 64, 64), dtype=np.uint8)

    def take(self, rows) -> np.ndarray:
        return self.images[rows]


def some_slices() -> StackedSlices:
    """COUNT random slices; the last one has no labels."""
    targets = np.random.default_rng(1).integers(0, 2, (COUNT, 5)).astype(float)
    targets[-1] = np.nan
    return StackedSlices(Pixels(), np.arange(COUNT)[:, None].repeat(3, axis=1), targets)


def training_of(kind: str):
    """(module, training batches, validation batches), everything switched on."""
    torch.manual_seed(0)
    slices, how = some_slices(), (optimizer_factory("adam", 1e-3, 1e-4), warmup_cosine(0.2, 0.05))
    if kind == "frozen":
        embedded = TensorDataset(torch.rand(COUNT, 6), slices.targets)
        scans = Scans(embedded, BOUNDS)
        module = SequenceTraining(ScanLstm(6, 4), summed_bce([2.0] * 5), *how)
        return module, scan_batches(scans, 2, 0), scan_batches(scans, 2, None)
    how = optimizer_factory("sgd", 1e-3, 1e-4), how[1]  # Adam takes the sign even of what rounding leaves of a gradient
    if kind == "simclr":
        projector = Projector(build_backbone("resnet18", 3), HALF, HALF, 8)
        module = SimclrTraining(projector, NTXentLoss(0.5), *how, AUGMENTATION)
        return module, training_batches(slices, BATCH, 0), None
    classifier = SliceClassifier("resnet18", build_backbone("resnet18", 3), HALF, HALF, 0.5)
    if kind == "end_to_end":
        scans, model = Scans(slices, BOUNDS), CnnLstm(classifier, ScanLstm(512, 4), 0.2)
        module = EndToEndTraining(model, summed_bce([2.0] * 5), *how, AUGMENTATION)
        return module, scan_batches(scans, 2, 0), scan_batches(scans, 2, None)
    loss = build_loss("asymmetric", 0, 2, 0.05, None)
    module = SliceTraining(classifier, loss, *how, AUGMENTATION)
    return module, training_batches(slices, BATCH, 0), ordered_batches(slices, 4)  # of a last batch, a rank has none


def trained(kind: str, folder: Path | None = None):
    """(curves, weights) of a training; folder: where it keeps its epochs."""
    module, batches, val = training_of(kind)
    if folder:
        module.on_before_zero_grad = lambda _: kill_once(module.trainer, folder)
    recipe = Recipe(kind, EPOCHS, 0, gradient_clip=0.1, keep="last", checkpoints=folder and folder / kind)
    return fit(module, batches, val, recipe, CPU), module.model.state_dict()


def poisoned() -> None:
    """A training in which the last slice is not a number."""
    module, batches, val = training_of("frozen")
    batches.dataset.slices.tensors[0][-1] = np.nan
    studies = np.array([f"s{number}" for number, scan in enumerate(BOUNDS) for _ in range(scan.stop - scan.start)])
    fit(module, batches, val, Recipe("train_lstm", 1, 0, studies=studies), CPU)


def kill_once(trainer, folder: Path) -> None:
    """End rank 1 as the kernel would, where that is asked for."""
    asked = folder / "kill"
    if rank() == 1 and trainer.current_epoch == 1 and trainer.fit_loop.batch_idx == 1 and asked.exists():
        asked.unlink()
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    for kind in sys.argv[2:]:
        curves, weights = trained(kind, folder)
        if rank() == 0:
            save_file({name: value.contiguous() for name, value in weights.items()}, folder / f"{kind}.safetensors")
            (folder / f"{kind}.json").write_text(json.dumps(curves))
