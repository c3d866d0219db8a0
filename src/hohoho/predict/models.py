"""The trained models, loaded once for any number of scans."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch.utils.data import DataLoader

from hohoho.errors import InputError
from hohoho.inference.embed import embed
from hohoho.inference.familiar import Familiar, read_familiar
from hohoho.machine import cores
from hohoho.models.backbones import SliceClassifier, load_classifier
from hohoho.models.hashes import model_hashes
from hohoho.models.lstm import ScanLstm, load_lstm, predict_scans
from hohoho.models.onnx import ONNX, onnx_cnn, onnx_lstm
from hohoho.models.sums import SUMS, check_sums
from hohoho.scores.calibration import read_calibration
from hohoho.slices.batches import ordered_batches, unlabelled_slices
from hohoho.slices.stacks import channel_rows, neighbours

Cnn = Callable[[DataLoader], tuple[np.ndarray, np.ndarray]]  # batches → (slices, features), (slices, 5) probabilities
Lstm = Callable[[np.ndarray], np.ndarray]  # (slices, features) of one scan → (slices, 5) probabilities


class ArrayPixels:
    """The pixels of one scan, as the slice store would hand them out."""

    def __init__(self, pixels: np.ndarray):
        self.pixels = pixels

    def take(self, rows: np.ndarray) -> np.ndarray:
        """(n, size, size) uint8."""
        return self.pixels[rows]


class Said(NamedTuple):
    """What the models put out for one scan."""

    raw: dict[str, np.ndarray]  # "cnn", and "cnn_lstm" where there is an LSTM → (slices, 5) probabilities
    embeddings: np.ndarray  # (slices, features) of the CNN


@dataclass(frozen=True)
class Models:
    """What `dvc repro` trained, or `hohoho export` packed, and what it was trained on."""

    inputs: dict  # source, image_size and window of the training slices
    calibration: dict | None  # the record that `evaluate` fitted to these very models; None where it has not run
    sha256: dict
    channels: int
    cnn: Cnn
    lstm: Lstm | None
    lstm_cnn: Cnn | None  # trained end to end: the LSTM brings its own CNN
    familiar: Familiar | None  # what the training scans are like; None where `evaluate` has not run
    classifier: SliceClassifier | None  # the CNN as torch has it; None where onnxruntime computes, without gradients

    @property
    def window(self) -> tuple[float, float]:
        """Center and width, HU."""
        return self.inputs["window_center_hu"], self.inputs["window_width_hu"]

    def stacks(self, runs: list[slice], pixels: np.ndarray):
        """The scan's slices with their neighbours. runs: of adjacent slices; pixels: (slices, size, size) uint8."""
        below, above = neighbours(runs)
        rows = channel_rows(pd.DataFrame({"below": below, "above": above}), self.channels)
        return unlabelled_slices(ArrayPixels(pixels), rows)

    def embed(self, runs: list[slice], pixels: np.ndarray) -> np.ndarray:
        """(slices, features) by the CNN."""
        return self.cnn(ordered_batches(self.stacks(runs, pixels)))[0]

    def ask(self, runs: list[slice], pixels: np.ndarray) -> Said:
        """All that the models put out."""
        batches = ordered_batches(self.stacks(runs, pixels))
        embeddings, by_cnn = self.cnn(batches)
        if self.lstm is None:
            return Said({"cnn": by_cnn}, embeddings)
        read_by_lstm = embeddings if self.lstm_cnn is None else self.lstm_cnn(batches)[0]
        return Said({"cnn": by_cnn, "cnn_lstm": self.lstm(read_by_lstm)}, embeddings)


def load_models(folder: Path) -> Models:
    """The models in a folder as `dvc repro` or `hohoho export` leaves it.

    Raises InputError where they are not there, do not fit, or are not what the package's SHA256SUMS says.
    """
    needed = folder / "cnn" / "input.json"
    if not needed.is_file():
        raise InputError(f"{needed} does not exist: train the models first with `dvc repro`, or give --model")
    if (folder / SUMS).is_file():
        check_sums(folder)
    return Models(
        inputs=json.loads(needed.read_text()),
        calibration=_calibration(folder),
        sha256=model_hashes(folder / "cnn", folder / "lstm"),
        familiar=read_familiar(folder / "familiar.npz"),
        channels=json.loads((folder / "cnn" / "model.json").read_text())["channels"],
        **(_by_onnxruntime if (folder / "cnn" / ONNX).is_file() else _by_torch)(folder),
    )


def _by_torch(folder: Path) -> dict:
    torch.set_num_threads(cores())
    cnn, lstm, own = load_classifier(folder / "cnn"), load_lstm(folder / "lstm"), folder / "lstm" / "cnn"
    return {
        "cnn": partial(embed, cnn, device="cpu"),
        "lstm": lstm and partial(_of_one_scan, lstm),
        "lstm_cnn": partial(embed, load_classifier(own), device="cpu") if own.is_dir() else None,
        "classifier": cnn,
    }


def _of_one_scan(lstm: ScanLstm, embeddings: np.ndarray) -> np.ndarray:
    return predict_scans(lstm, embeddings, ["this"] * len(embeddings))


def _by_onnxruntime(folder: Path) -> dict:
    own = folder / "lstm" / "cnn"
    return {
        "cnn": onnx_cnn(folder / "cnn"),
        "lstm": onnx_lstm(folder / "lstm"),
        "lstm_cnn": onnx_cnn(own) if own.is_dir() else None,
        "classifier": None,
    }


def _calibration(folder: Path) -> dict | None:
    path = folder / "calibration.json"
    record = read_calibration(path)
    if record and record["model_sha256"] != model_hashes(folder / "cnn", folder / "lstm"):
        raise InputError(f"{path} was fitted to other models than those beside it: run `dvc repro evaluate`")
    return record
