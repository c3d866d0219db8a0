"""Stage train_lstm: the bi-LSTM over whole scans – on the frozen CNN's embeddings, or together with the CNN."""

from dataclasses import dataclass
from pathlib import Path

from hohoho.augment import Augmentation
from hohoho.backbones import SliceClassifier, load_classifier, save_classifier
from hohoho.devices import Devices, on_devices, resolve_precision
from hohoho.embedding_store import read_embeddings, write_array
from hohoho.embeddings import embed
from hohoho.end_to_end import CnnLstm, EndToEndTraining, ScanImages, scan_image_batches
from hohoho.files import write_csv
from hohoho.labels import LABELS
from hohoho.params import runtime, stage_params
from hohoho.schedule import constant
from hohoho.sequence import ScanLstm, predict_scans, save_lstm, scan_bounds
from hohoho.sequence_training import SequenceTraining, scan_batches
from hohoho.slice_data import StackedSlices, ordered_batches
from hohoho.slice_store import SlicePixels
from hohoho.slice_training import optimizer_factory
from hohoho.stacks import channel_rows, read_stacks, read_statistics
from hohoho.stage.run import run_stage
from hohoho.training import CURVE_COLUMNS, Recipe, fit, seed_all

import numpy as np
import pandas as pd

SLICES, STACKS, EMBEDDINGS = Path("data/slices"), Path("data/stacks"), Path("data/embeddings")
CNN, LSTM, PROBABILITIES = Path("models/cnn"), Path("models/lstm"), Path("data/lstm_probabilities.npy")
CURVES = Path("metrics/plots/train_lstm.csv")


@dataclass(frozen=True)
class Stack:
    input: str


@dataclass(frozen=True)
class TrainCnn:
    precision: str


@dataclass(frozen=True)
class TrainLstm:
    training: str
    units: int
    epochs: int
    batch_size: int
    learning_rate: float
    pos_weight: bool
    spatial_dropout: float


@dataclass(frozen=True)
class Params:
    seed: int
    stack: Stack
    augment: Augmentation
    train_cnn: TrainCnn
    train_lstm: TrainLstm


def main():
    params = stage_params(Params, "train_lstm")
    knobs, devices = params.train_lstm, on_devices(runtime())
    if knobs.training == "skip":
        save_lstm(LSTM, None)
        write_array(PROBABILITIES, np.zeros((0, len(LABELS)), np.float32))
        write_csv(CURVES, pd.DataFrame(columns=CURVE_COLUMNS))
        return

    seed_all(params.seed)
    precision = (
        "32-true" if knobs.training == "frozen" else resolve_precision(params.train_cnn.precision, devices.device)
    )
    recipe = Recipe("train_lstm", knobs.epochs, params.seed, precision)
    table, embeddings = read_stacks(STACKS), np.array(read_embeddings(EMBEDDINGS))
    lstm = ScanLstm(embeddings.shape[1], knobs.units)
    if knobs.training == "frozen":
        curves = train_frozen(lstm, table, embeddings, knobs, recipe, devices)
    else:
        cnn = load_classifier(CNN)
        cnn.settings["precision"] = precision
        slices = stacked(table, params.stack.input)
        curves = train_end_to_end(cnn, lstm, table, slices, params, recipe, devices)
        save_classifier(LSTM / "cnn", cnn)
        embeddings, _ = embed(cnn, ordered_batches(slices), devices.device, devices.progress)
    save_lstm(LSTM, lstm, precision)
    write_array(PROBABILITIES, predict_scans(lstm.cpu().eval(), embeddings, table["study"].tolist()))
    write_csv(CURVES, pd.DataFrame(curves, columns=CURVE_COLUMNS))


def train_frozen(
    lstm: ScanLstm, table: pd.DataFrame, embeddings: np.ndarray, knobs: TrainLstm, recipe: Recipe, devices: Devices
):
    """Train the LSTM in place on fixed embeddings; returns the curves."""
    targets = table[list(LABELS)].to_numpy(np.float32)

    def batches(split: str, shuffle: int | None):
        scans = [(embeddings[start:end], targets[start:end]) for start, end in bounds_of(table, split)]
        return scan_batches(scans, knobs.batch_size, shuffle)

    optimizer = optimizer_factory("adam", knobs.learning_rate, 0.0)
    module = SequenceTraining(lstm, pos_weight(knobs), optimizer, constant)
    return fit(module, batches("train", recipe.seed), batches("val", None), recipe, devices)


def train_end_to_end(
    cnn: SliceClassifier,
    lstm: ScanLstm,
    table: pd.DataFrame,
    slices: StackedSlices,
    params: Params,
    recipe: Recipe,
    devices: Devices,
):
    """Train both in place on images; returns the curves."""
    knobs = params.train_lstm

    def batches(split: str, shuffle: int | None):
        return scan_image_batches(ScanImages(slices, bounds_of(table, split)), knobs.batch_size, shuffle)

    model = CnnLstm(cnn, lstm, knobs.spatial_dropout)
    optimizer = optimizer_factory("adam", knobs.learning_rate, 0.0, recipe.precision)
    module = EndToEndTraining(model, pos_weight(knobs), optimizer, constant, params.augment)
    return fit(module, batches("train", recipe.seed), batches("val", None), recipe, devices)


def bounds_of(table: pd.DataFrame, split: str) -> list[tuple[int, int]]:
    """[start, end) of each scan of one split that has a labelled slice."""
    labelled = table[list(LABELS)].notna().all(axis=1).to_numpy()
    bounds = scan_bounds(table["study"].tolist())
    return [(a, b) for a, b in bounds if table["split"].iat[a] == split and labelled[a:b].any()]


def stacked(table: pd.DataFrame, how: str) -> StackedSlices:
    """All slices with their targets."""
    rows = channel_rows(table, how == "stacked")
    return StackedSlices(SlicePixels(SLICES), rows, table[list(LABELS)].to_numpy(np.float32))


def pos_weight(knobs: TrainLstm) -> list[float] | None:
    """(5,) negatives per positive of the training split."""
    return read_statistics(STACKS).pos_weight if knobs.pos_weight else None


if __name__ == "__main__":
    run_stage(main)
