"""Stage train_lstm: the bi-LSTM over whole scans, on the frozen classifier's embeddings."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import lightning
import numpy as np
import pandas as pd
import torch

from hohoho.devices import on_devices
from hohoho.embeddings import read_embeddings
from hohoho.files import write_csv
from hohoho.labels import LABELS
from hohoho.params import run_stage, runtime, stage_params
from hohoho.schedule import constant
from hohoho.sequence import ScanLstm, save_lstm, scan_bounds
from hohoho.sequence_training import SequenceTraining, scan_batches
from hohoho.stacks import read_stacks, read_statistics
from hohoho.training import CURVE_COLUMNS, fit

EMBEDDINGS, STACKS = Path("data/embeddings"), Path("data/stacks")
LSTM, CURVES = Path("models/lstm"), Path("metrics/plots/train_lstm.csv")


@dataclass(frozen=True)
class TrainLstm:
    training: str
    units: int
    epochs: int
    batch_size: int
    learning_rate: float
    pos_weight: bool


@dataclass(frozen=True)
class Params:
    seed: int
    train_lstm: TrainLstm


def main():
    params = stage_params(Params, "train_lstm")
    model, curves = None, []
    if params.train_lstm.training == "frozen":
        model, curves = train(params.seed, params.train_lstm)
    save_lstm(LSTM, model)
    write_csv(CURVES, pd.DataFrame(curves, columns=CURVE_COLUMNS))


def train(seed: int, knobs: TrainLstm) -> tuple[ScanLstm, list[dict[str, float]]]:
    """The LSTM of the epoch with the best validation F2, and the curves."""
    lightning.seed_everything(seed, verbose=False)
    table, statistics = read_stacks(STACKS), read_statistics(STACKS)
    embeddings = torch.from_numpy(np.array(read_embeddings(EMBEDDINGS)))
    targets = torch.from_numpy(table[list(LABELS)].to_numpy(np.float32))

    def scans(split: str) -> list[tuple[torch.Tensor, torch.Tensor]]:
        bounds = scan_bounds(table["study"].tolist())
        return [(embeddings[a:b], targets[a:b]) for a, b in bounds if table["split"].iat[a] == split]

    model = ScanLstm(embeddings.shape[1], knobs.units)
    pos_weight = torch.tensor(statistics.pos_weight) if knobs.pos_weight else None
    module = SequenceTraining(model, pos_weight, partial(torch.optim.Adam, lr=knobs.learning_rate), constant)
    curves = fit(
        module,
        scan_batches(scans("train"), knobs.batch_size, seed),
        scan_batches(scans("val"), knobs.batch_size, None),
        knobs.epochs,
        seed,
        on_devices(runtime()),
    )
    return model, curves


if __name__ == "__main__":
    run_stage(main)
