"""The trained models, loaded once for any number of scans."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from hohoho.errors import InputError
from hohoho.inference.embed import embed
from hohoho.inference.familiar import Familiar, read_familiar
from hohoho.machine import cores
from hohoho.models.backbones import SliceClassifier, load_classifier
from hohoho.models.hashes import model_hashes
from hohoho.models.lstm import ScanLstm, load_lstm, predict_scans
from hohoho.scores.calibration import read_calibration
from hohoho.slices.batches import ordered_batches, unlabelled_slices
from hohoho.slices.stacks import channel_rows, neighbours


class ArrayPixels:
    """The pixels of one scan, as the slice store would hand them out."""

    def __init__(self, pixels: np.ndarray):
        self.pixels = pixels

    def take(self, rows: np.ndarray) -> np.ndarray:
        """(n, size, size) uint8."""
        return self.pixels[rows]


@dataclass(frozen=True)
class Models:
    """What `dvc repro` trained, and what it was trained on."""

    inputs: dict  # source, image_size and window of the training slices
    calibration: dict | None  # the record that `evaluate` fitted to these very models; None where it has not run
    sha256: dict
    cnn: SliceClassifier
    lstm: ScanLstm | None
    familiar: Familiar | None  # what the training scans are like; None where `evaluate` has not run
    lstm_cnn: SliceClassifier | None  # trained end to end: the LSTM brings its own CNN

    @property
    def window(self) -> tuple[float, float]:
        """Center and width, HU."""
        return self.inputs["window_center_hu"], self.inputs["window_width_hu"]

    def stacks(self, runs: list[slice], pixels: np.ndarray):
        """The scan's slices with their neighbours. runs: of adjacent slices; pixels: (slices, size, size) uint8."""
        below, above = neighbours(runs)
        rows = channel_rows(pd.DataFrame({"below": below, "above": above}), self.cnn.settings["channels"])
        return unlabelled_slices(ArrayPixels(pixels), rows)

    def probabilities(self, runs: list[slice], pixels: np.ndarray) -> dict[str, np.ndarray]:
        """(slices, 5) probabilities by model name: `cnn`, and `cnn_lstm` where there is an LSTM."""
        batches = ordered_batches(self.stacks(runs, pixels))
        embeddings, by_cnn = embed(self.cnn, batches, "cpu")
        if self.lstm is None:
            return {"cnn": by_cnn}
        if self.lstm_cnn is not None:
            embeddings, _ = embed(self.lstm_cnn, batches, "cpu")
        return {"cnn": by_cnn, "cnn_lstm": predict_scans(self.lstm, embeddings, ["this"] * len(pixels))}


def load_models(folder: Path) -> Models:
    """The models in a folder as `dvc repro` leaves it. Raises InputError where they are not there, or do not fit."""
    needed = folder / "cnn" / "input.json"
    if not needed.is_file():
        raise InputError(f"{needed} does not exist: train the models first with `dvc repro`, or give --models")
    torch.set_num_threads(cores())
    own = folder / "lstm" / "cnn"
    return Models(
        inputs=json.loads(needed.read_text()),
        calibration=_calibration(folder),
        sha256=model_hashes(folder / "cnn", folder / "lstm"),
        cnn=load_classifier(folder / "cnn"),
        lstm=load_lstm(folder / "lstm"),
        familiar=read_familiar(folder / "familiar.npz"),
        lstm_cnn=load_classifier(own) if own.is_dir() else None,
    )


def _calibration(folder: Path) -> dict | None:
    path = folder / "calibration.json"
    record = read_calibration(path)
    if record and record["model_sha256"] != model_hashes(folder / "cnn", folder / "lstm"):
        raise InputError(f"{path} was fitted to other models than those beside it: run `dvc repro evaluate`")
    return record
