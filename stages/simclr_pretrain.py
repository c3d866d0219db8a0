"""Stage simclr_pretrain: the backbone's start – SimCLR's weights where the row asks for them, else a descriptor."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import lightning
import numpy as np
import torch

from hohoho.backbones import build_backbone
from hohoho.devices import on_devices
from hohoho.labels import LABELS
from hohoho.params import run_stage, runtime, stage_params
from hohoho.schedule import warmup_cosine
from hohoho.simclr import Projector, SimclrTraining, Views
from hohoho.slice_data import StackedSlices, training_batches
from hohoho.slice_store import SlicePixels
from hohoho.stacks import channel_rows, read_stacks, read_statistics
from hohoho.start import save_start
from hohoho.training import fit

SLICES, STACKS, INIT = Path("data/slices"), Path("data/stacks"), Path("models/init")


@dataclass(frozen=True)
class Backbone:
    name: str
    start: str


@dataclass(frozen=True)
class Stack:
    input: str


@dataclass(frozen=True)
class Simclr:
    enabled: bool
    include_test: bool
    epochs: int
    batch_size: int
    learning_rate: float
    min_learning_rate: float
    warmup_fraction: float
    weight_decay: float
    temperature: float
    projection_features: int
    rotation_deg: float
    jitter: float
    jitter_probability: float
    precision: str


@dataclass(frozen=True)
class Params:
    seed: int
    backbone: Backbone
    stack: Stack
    simclr: Simclr


def main():
    params = stage_params(Params, "simclr_pretrain")
    if params.simclr.enabled:
        save_start(INIT, "simclr", pretrain(params, params.simclr))
    else:
        save_start(INIT, params.backbone.start)


def pretrain(params: Params, simclr: Simclr):
    """The backbone after SimCLR on every slice, labelled or not, that may take part."""
    lightning.seed_everything(params.seed, verbose=False)
    table, statistics = read_stacks(STACKS), read_statistics(STACKS)
    takes_part = simclr.include_test | (table["split"] != "test").to_numpy()
    rows = channel_rows(table, params.stack.input == "stacked")[takes_part]
    slices = StackedSlices(SlicePixels(SLICES), rows, np.zeros((len(rows), len(LABELS))))

    backbone = build_backbone(params.backbone.name, rows.shape[1], imagenet=params.backbone.start == "imagenet")
    module = SimclrTraining(
        Projector(backbone, statistics.mean, statistics.std, simclr.projection_features),
        simclr.temperature,
        partial(torch.optim.SGD, lr=simclr.learning_rate, momentum=0.9, weight_decay=simclr.weight_decay),
        warmup_cosine(simclr.warmup_fraction, simclr.min_learning_rate / simclr.learning_rate),
        Views(simclr.rotation_deg, simclr.jitter, simclr.jitter_probability),
    )
    batches = training_batches(slices, simclr.batch_size, params.seed)
    fit(module, batches, None, simclr.epochs, params.seed, on_devices(runtime()), simclr.precision)
    return backbone


if __name__ == "__main__":
    run_stage(main)
