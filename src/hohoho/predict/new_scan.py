"""A new scan → probabilities per slice and per scan, by the models that `dvc repro` trained."""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from hohoho.errors import InputError
from hohoho.files import write_csv, write_json
from hohoho.inference.embed import embed
from hohoho.ingest.report import skipped_counts
from hohoho.machine import cores
from hohoho.models.backbones import load_classifier
from hohoho.models.hashes import model_hashes
from hohoho.models.lstm import load_lstm, predict_scans
from hohoho.predict.answers import MEANING, answer_columns, scan_summary
from hohoho.scans.geometry import missing_slices
from hohoho.scans.pixels import ScanPixels, read_scan
from hohoho.scans.scan import Inventory, Scan
from hohoho.scores.calibration import read_calibration
from hohoho.slices.batches import ordered_batches, unlabelled_slices
from hohoho.slices.stacks import channel_rows, neighbours
from hohoho.sources import dicom_folder

NOTICE = "For research and teaching. Not a medical device: never use this for a patient."
VERSIONS_OF = ("hohoho", "torch", "torchvision", "pydicom")


class Pictures:
    """The pixels of one scan, as the slice store would hand them out."""

    def __init__(self, pixels: np.ndarray):
        self.pixels = pixels

    def take(self, rows: np.ndarray) -> np.ndarray:
        """(n, size, size) uint8."""
        return self.pixels[rows]


def predict_folder(folder: Path, out: Path, models: Path) -> None:
    """Write `predictions.csv` and `prediction.json` for the one head CT in `folder` (DICOM, any names and depth).

    What the columns mean is MEANING, which the JSON repeats beside the temperatures. Raises `InputError` where the
    folder holds no or several studies, or `models` no trained model or a calibration that was fitted to others.
    """
    inputs = _model_inputs(models)
    inventory = dicom_folder.find(folder)
    scan = _only_scan(inventory, folder)
    window = inputs["window_center_hu"], inputs["window_width_hu"]
    pictures = read_scan(scan, inputs["image_size"], *window)
    if not len(pictures.kept):
        raise InputError(f"{folder}: no slice has usable pixels ({_reasons(pictures.notes)})")

    table = pd.DataFrame({"slice": range(len(pictures.kept)), "position_mm": scan.position_mm[pictures.kept].round(2)})
    calibration = _calibration(models)
    raw = probabilities(scan, pictures, models)
    write_csv(out / "predictions.csv", table.join(answer_columns(raw, calibration)))
    maxima = {model: scan_summary(model, values, calibration) for model, values in raw.items()}
    summary = _summary(scan, inventory, pictures, models, inputs)
    write_json(
        out / "prediction.json", summary | {"scan_maxima": maxima, "meaning": MEANING, "calibration": calibration}
    )


def probabilities(scan: Scan, pictures: ScanPixels, models: Path) -> dict[str, np.ndarray]:
    """(slices, 5) probabilities by model name: `cnn`, and `cnn_lstm` where there is an LSTM."""
    below, above = neighbours(np.zeros(len(pictures.kept)), missing_slices(scan.position_mm[pictures.kept]))
    classifier = load_classifier(models / "cnn")
    rows = channel_rows(pd.DataFrame({"below": below, "above": above}), classifier.settings["channels"])
    batches = ordered_batches(unlabelled_slices(Pictures(pictures.pixels), rows))
    torch.set_num_threads(cores())
    embeddings, by_cnn = embed(classifier, batches, "cpu")
    lstm = load_lstm(models / "lstm")
    if lstm is None:
        return {"cnn": by_cnn}
    if (models / "lstm" / "cnn").is_dir():  # trained end to end: the LSTM brings its own CNN
        embeddings, _ = embed(load_classifier(models / "lstm" / "cnn"), batches, "cpu")
    return {"cnn": by_cnn, "cnn_lstm": predict_scans(lstm, embeddings, ["this"] * len(rows))}


def _model_inputs(models: Path) -> dict:
    needed = models / "cnn" / "input.json"
    if not needed.is_file():
        raise InputError(f"{needed} does not exist: train the models first with `dvc repro`, or give --models")
    return json.loads(needed.read_text())


def _calibration(models: Path) -> dict | None:
    """The record that `evaluate` fitted to these very models; None where it has not run."""
    path = models / "calibration.json"
    record = read_calibration(path)
    if record and record["model_sha256"] != model_hashes(models / "cnn", models / "lstm"):
        raise InputError(f"{path} was fitted to other models than those beside it: run `dvc repro evaluate`")
    return record


def _only_scan(inventory: Inventory, folder: Path) -> Scan:
    if not inventory.files:
        raise InputError(f"{folder} is empty: give the folder that holds the DICOM files of one head CT")
    if not inventory.scans:
        raise InputError(f"{folder}: no usable CT slice in {inventory.files} files ({_reasons(inventory.notes)})")
    if len(inventory.scans) > 1:
        raise InputError(f"{folder} holds {len(inventory.scans)} studies: give the folder of one")
    return inventory.scans[0]


def _reasons(notes: list) -> str:
    return ", ".join(f"{reason}: {n}" for reason, n in skipped_counts(notes).items()) or "no files"


def _summary(scan: Scan, inventory: Inventory, pictures: ScanPixels, models: Path, inputs: dict) -> dict:
    return {
        "notice": NOTICE,
        "trained_on": inputs["source"],
        "slices": len(pictures.kept),
        "skipped": skipped_counts([*inventory.notes, *pictures.notes]),
        "tilt_deg": round(scan.tilt_deg, 2) if np.isfinite(scan.tilt_deg) else None,
        "model_sha256": model_hashes(models / "cnn", models / "lstm"),
        "versions": {package: version(package) for package in VERSIONS_OF},
    }
