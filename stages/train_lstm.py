"""Stage train_lstm: the bi-LSTM over whole scans – on the frozen CNN's embeddings, or together with the CNN."""

from pathlib import Path

from hohoho.files import write_csv
from hohoho.inference.embed import embed
from hohoho.inference.store import read_array, write_array
from hohoho.labels import LABELS
from hohoho.models.backbones import SliceClassifier, load_classifier, save_classifier
from hohoho.models.devices import Devices, on_devices, resolve_precision
from hohoho.models.lstm import ScanLstm, predict_scans, save_lstm
from hohoho.params import Record, runtime, stage_params
from hohoho.slices.batches import StackedSlices, ordered_batches
from hohoho.slices.stacks import channel_rows, read_stacks, read_statistics
from hohoho.slices.store import SlicePixels, is_labelled, scan_bounds, targets_of
from hohoho.stage.run import run_stage
from hohoho.training.augment import Augmentation
from hohoho.training.cnn import optimizer_factory
from hohoho.training.end_to_end import CnnLstm, EndToEndTraining, ScanImages, scan_image_batches
from hohoho.training.fit import CURVE_COLUMNS, Recipe, fit, seed_all
from hohoho.training.lstm import SequenceTraining, scan_batches
from hohoho.training.schedule import constant

import numpy as np
import pandas as pd

SLICES, STACKS, EMBEDDINGS = Path("data/slices"), Path("data/stacks"), Path("data/embeddings.npy")
CNN, LSTM, PROBABILITIES = Path("models/cnn"), Path("models/lstm"), Path("data/probabilities/cnn_lstm.npy")
CURVES = Path("metrics/plots/train_lstm.csv")


def main():
    params, devices = stage_params("train_lstm"), on_devices(runtime())
    train = params.train_lstm
    if train.training == "skip":
        save_lstm(LSTM, None)
        write_array(PROBABILITIES, np.zeros((0, len(LABELS)), np.float32))
        write_csv(CURVES, pd.DataFrame(columns=CURVE_COLUMNS))
        return

    seed_all(params.seed)
    frozen = train.training == "frozen"
    precision = "32-true" if frozen else resolve_precision(params.train_cnn.precision, devices.device)
    recipe = Recipe("train_lstm", train.epochs, params.seed, precision)
    table, embeddings = read_stacks(STACKS), np.array(read_array(EMBEDDINGS))
    lstm = ScanLstm(embeddings.shape[1], train.units)
    if frozen:
        curves = train_frozen(lstm, table, embeddings, train, recipe, devices)
    else:
        cnn = load_classifier(CNN)
        cnn.settings["precision"] = precision
        rows = channel_rows(table, cnn.settings["channels"])
        slices = StackedSlices(SlicePixels(SLICES), rows, targets_of(table))
        curves = train_end_to_end(cnn, lstm, table, slices, params, recipe, devices)
        save_classifier(LSTM / "cnn", cnn)
        embeddings, _ = embed(cnn, ordered_batches(slices), devices.device, devices.progress)
    save_lstm(LSTM, lstm, precision)
    write_array(PROBABILITIES, predict_scans(lstm.cpu().eval(), embeddings, table["study"].tolist()))
    write_csv(CURVES, pd.DataFrame(curves, columns=CURVE_COLUMNS))


def train_frozen(
    lstm: ScanLstm, table: pd.DataFrame, embeddings: np.ndarray, train: Record, recipe: Recipe, devices: Devices
):
    """Train the LSTM in place on fixed embeddings; returns the curves."""
    targets = targets_of(table)

    def batches(split: str, shuffle: int | None):
        scans = [(embeddings[rows], targets[rows]) for rows in bounds_of(table, split)]
        return scan_batches(scans, train.batch_size, shuffle)

    optimizer = optimizer_factory("adam", train.learning_rate, 0.0)
    module = SequenceTraining(lstm, pos_weight(train), optimizer, constant)
    return fit(module, batches("train", recipe.seed), batches("val", None), recipe, devices)


def train_end_to_end(
    cnn: SliceClassifier,
    lstm: ScanLstm,
    table: pd.DataFrame,
    slices: StackedSlices,
    params: Record,
    recipe: Recipe,
    devices: Devices,
):
    """Train both in place on images; returns the curves."""
    train = params.train_lstm

    def batches(split: str, shuffle: int | None):
        bounds = [(rows.start, rows.stop) for rows in bounds_of(table, split)]
        return scan_image_batches(ScanImages(slices, bounds), train.batch_size, shuffle)

    model = CnnLstm(cnn, lstm, train.spatial_dropout)
    optimizer = optimizer_factory("adam", train.learning_rate, 0.0, recipe.precision)
    module = EndToEndTraining(model, pos_weight(train), optimizer, constant, Augmentation(**params.augment))
    return fit(module, batches("train", recipe.seed), batches("val", None), recipe, devices)


def bounds_of(table: pd.DataFrame, split: str) -> list[slice]:
    """The rows of each scan of one split that has a labelled slice."""
    labelled, bounds = is_labelled(table), scan_bounds(table["study"])
    return [rows for rows in bounds if table["split"].iat[rows.start] == split and labelled[rows].any()]


def pos_weight(train: Record) -> list[float] | None:
    """(5,) negatives per positive of the training split."""
    return read_statistics(STACKS).pos_weight if train.pos_weight else None


if __name__ == "__main__":
    run_stage(main)
