"""Stage train_cnn: the slice classifier."""

from dataclasses import dataclass
from pathlib import Path

from hohoho.augment import Augmentation
from hohoho.backbones import SliceClassifier, save_classifier
from hohoho.devices import on_devices, resolve_precision
from hohoho.files import write_csv, write_json
from hohoho.labels import LABELS
from hohoho.losses import build_loss
from hohoho.params import runtime, stage_params
from hohoho.schedule import warmup_cosine
from hohoho.slice_data import StackedSlices, ordered_batches, training_batches
from hohoho.slice_store import SlicePixels
from hohoho.slice_training import SliceTraining, optimizer_factory
from hohoho.stacks import channel_rows, read_stacks, read_statistics
from hohoho.stage.run import run_stage
from hohoho.start import started_backbone
from hohoho.training import Recipe, fit, seed_all

import numpy as np
import pandas as pd

SLICES, STACKS, INIT = Path("data/slices"), Path("data/stacks"), Path("models/init")
CNN, CURVES = Path("models/cnn"), Path("metrics/plots/train_cnn.csv")


@dataclass(frozen=True)
class Data:
    source: str


@dataclass(frozen=True)
class Ingest:
    image_size: int
    window_center_hu: float
    window_width_hu: float


@dataclass(frozen=True)
class Stack:
    input: str


@dataclass(frozen=True)
class Backbone:
    name: str


@dataclass(frozen=True)
class Loss:
    name: str
    gamma_pos: float
    gamma_neg: float
    clip: float
    pos_weight: bool


@dataclass(frozen=True)
class TrainCnn:
    epochs: int
    batch_size: int
    optimizer: str
    learning_rate: float
    min_learning_rate: float
    warmup_fraction: float
    weight_decay: float
    gradient_clip: float
    dropout: float
    precision: str
    keep: str


@dataclass(frozen=True)
class Params:
    seed: int
    data: Data
    ingest: Ingest
    stack: Stack
    backbone: Backbone
    loss: Loss
    augment: Augmentation
    train_cnn: TrainCnn


def main():
    params = stage_params(Params, "train_cnn")
    train, loss, devices = params.train_cnn, params.loss, on_devices(runtime())
    precision = resolve_precision(train.precision, devices.device)
    seed_all(params.seed)
    table, statistics = read_stacks(STACKS), read_statistics(STACKS)
    rows = channel_rows(table, params.stack.input == "stacked")
    targets = table[list(LABELS)].to_numpy(np.float32)

    def slices(split: str) -> StackedSlices:
        chosen = (table["split"] == split).to_numpy() & np.isfinite(targets).all(axis=1)
        return StackedSlices(SlicePixels(SLICES), rows[chosen], targets[chosen])

    backbone = started_backbone(INIT, params.backbone.name, rows.shape[1])
    channels = statistics.mean, statistics.std
    model = SliceClassifier(params.backbone.name, backbone, *channels, train.dropout, precision)
    pos_weight = statistics.pos_weight if loss.pos_weight else None
    module = SliceTraining(
        model,
        build_loss(loss.name, loss.gamma_pos, loss.gamma_neg, loss.clip, pos_weight),
        optimizer_factory(train.optimizer, train.learning_rate, train.weight_decay, precision),
        warmup_cosine(train.warmup_fraction, train.min_learning_rate / train.learning_rate),
        params.augment,
    )
    curves = fit(
        module,
        training_batches(slices("train"), train.batch_size, params.seed),
        ordered_batches(slices("val")),
        Recipe("train_cnn", train.epochs, params.seed, precision, train.gradient_clip, train.keep),
        devices,
    )
    save_classifier(CNN, model)
    write_json(
        CNN / "input.json",
        {"trained_on": params.data.source, "input": params.stack.input, **vars(params.ingest)},
    )
    write_csv(CURVES, pd.DataFrame(curves))


if __name__ == "__main__":
    run_stage(main)
