"""Stage train_lstm: the bi-LSTM over whole scans – on the frozen CNN's embeddings, or together with the CNN."""

from functools import partial
from pathlib import Path

from hohoho.files import write_csv
from hohoho.inference.embed import embed
from hohoho.inference.store import read_array, write_array
from hohoho.labels import LABELS
from hohoho.models.backbones import load_classifier, save_classifier
from hohoho.models.devices import resolve_precision, with_device
from hohoho.models.losses import summed_bce
from hohoho.models.lstm import ScanLstm, predict_scans, save_lstm
from hohoho.params import Record, runtime, stage_params
from hohoho.ranks import rank
from hohoho.slices.batches import StackedSlices, ordered_batches
from hohoho.slices.stacks import channel_rows, read_stacks, read_statistics
from hohoho.slices.store import SlicePixels, is_labelled, scan_bounds, targets_of
from hohoho.stage.checkpoint import checkpoint_folder
from hohoho.stage.ranks import in_ranks
from hohoho.stage.run import run_stage
from hohoho.training.augment import Augmentation
from hohoho.training.callbacks import CURVE_COLUMNS
from hohoho.training.cnn import optimizer_factory
from hohoho.training.end_to_end import CnnLstm, EndToEndTraining
from hohoho.training.fit import Recipe, fit
from hohoho.training.lstm import Scans, SequenceTraining, scan_batches
from hohoho.training.schedule import constant

import lightning
import numpy as np
import pandas as pd
import torch
from torch.utils.data import TensorDataset

SLICES, STACKS, EMBEDDINGS = Path("data/slices"), Path("data/stacks"), Path("data/embeddings.npy")
CNN, LSTM, PROBABILITIES = Path("models/cnn"), Path("models/lstm"), Path("data/probabilities/cnn_lstm.npy")
TOGETHER = Path("data/embeddings_end_to_end.npy")  # by the CNN that was trained with the LSTM; empty where none was
CURVES = Path("metrics/plots/train_lstm.csv")


def main():
    params = stage_params("train_lstm")
    write_array(TOGETHER, np.zeros((0, 1), np.float32))
    if params.train_lstm.training == "skip":
        save_lstm(LSTM, None)
        write_array(PROBABILITIES, np.zeros((0, len(LABELS)), np.float32))
        write_csv(CURVES, pd.DataFrame(columns=CURVE_COLUMNS))
    else:
        in_ranks(partial(train_scans, params))


def train_scans(params: Record) -> None:
    """Train the LSTM, alone or with the CNN; in several ranks, rank 0 predicts and writes."""
    machine, train = with_device(runtime()), params.train_lstm
    lightning.seed_everything(params.seed, verbose=False)
    frozen = train.training == "frozen"
    precision = "32-true" if frozen else resolve_precision(params.train_cnn.precision, machine.device)
    table, embeddings = read_stacks(STACKS), np.array(read_array(EMBEDDINGS))
    targets = targets_of(table)
    lstm = ScanLstm(embeddings.shape[1], train.units)
    loss = summed_bce(read_statistics(STACKS).pos_weight if train.pos_weight else None)
    how = loss, optimizer_factory("adam", train.learning_rate, 0.0, precision), constant
    if frozen:
        slices = TensorDataset(torch.from_numpy(embeddings), torch.tensor(targets))
        module = SequenceTraining(lstm, *how)
    else:
        cnn = load_classifier(CNN)
        cnn.settings["precision"] = precision
        slices = StackedSlices(SlicePixels(SLICES), channel_rows(table, cnn.settings["channels"]), targets)
        module = EndToEndTraining(CnnLstm(cnn, lstm, train.spatial_dropout), *how, Augmentation(**params.augment))

    scans, val = (Scans(slices, labelled_bounds(table, split)) for split in ("train", "val"))
    batches = scan_batches(scans, train.batch_size, params.seed), scan_batches(val, train.batch_size, None)
    kept = {"checkpoints": checkpoint_folder("train_lstm", params, precision), "studies": table["study"].to_numpy()}
    shown = {"curves": CURVES, "curve_columns": CURVE_COLUMNS, "threshold": params.evaluate.threshold}
    recipe = Recipe("train_lstm", train.epochs, params.seed, precision, **shown, **kept)
    fit(module, *batches, recipe, machine)
    if rank() > 0:
        return
    if not frozen:
        save_classifier(LSTM / "cnn", cnn)
        embeddings, _ = embed(cnn, ordered_batches(slices), machine.device, machine.progress)
        write_array(TOGETHER, embeddings)
    save_lstm(LSTM, lstm, precision)
    write_array(PROBABILITIES, predict_scans(lstm.cpu().eval(), embeddings, table["study"].tolist()))


def labelled_bounds(table: pd.DataFrame, split: str) -> list[slice]:
    """The rows of each scan of one split that has a labelled slice."""
    labelled, bounds = is_labelled(table), scan_bounds(table["study"])
    return [rows for rows in bounds if table["split"].iat[rows.start] == split and labelled[rows].any()]


if __name__ == "__main__":
    run_stage(main)
