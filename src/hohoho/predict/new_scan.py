"""New scans → probabilities per slice and per scan, by the models that `dvc repro` trained."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from hohoho.errors import InputError
from hohoho.files import write_csv, write_json
from hohoho.inference.embed import embed
from hohoho.inference.table import MODEL_NAMES
from hohoho.machine import cores
from hohoho.models.backbones import load_classifier
from hohoho.models.hashes import model_hashes
from hohoho.models.lstm import load_lstm, predict_scans
from hohoho.predict.answers import MEANING, answer_columns, scan_answer, scan_summary
from hohoho.predict.studies import NewScan, new_scans
from hohoho.scans.pixels import read_scan
from hohoho.scans.verdict import verdict
from hohoho.scores.calibration import read_calibration
from hohoho.slices.batches import ordered_batches, unlabelled_slices
from hohoho.slices.stacks import channel_rows, neighbours
from hohoho.slices.store import adjacent_runs

NOTICE = "For research and teaching. Not a medical device: never use this for a patient."
TABLE, SUMMARY = "predictions.csv", "prediction.json"
VERSIONS_OF = ("hohoho", "torch", "torchvision", "pydicom")


class Models(NamedTuple):
    """The folder of trained models, and what they were trained on."""

    folder: Path
    inputs: dict  # source, image_size and window of their training slices
    calibration: dict | None  # the record that `evaluate` fitted to these very models; None where it has not run


class ArrayPixels:
    """The pixels of one scan, as the slice store would hand them out."""

    def __init__(self, pixels: np.ndarray):
        self.pixels = pixels

    def take(self, rows: np.ndarray) -> np.ndarray:
        """(n, size, size) uint8."""
        return self.pixels[rows]


def predict_folder(folder: Path, out: Path, models: Path, wanted_series: str | None = None) -> None:
    """Write `predictions.csv` and `prediction.json` for each head CT in `folder` (DICOM, any names and depth).

    One study is answered in `out`, several in `out`/1, `out`/2 … by their UIDs, as `hohoho check` numbers them; each is
    answered whatever became of the others, and no file is named. wanted_series: UID or number of the series to take.
    What the columns mean is MEANING, which the JSON repeats. Raises InputError where no study can be answered, or
    `models` are not as needed.
    """
    trained = _trained(models)
    scans = new_scans(folder, wanted_series)
    several = len(scans) > 1
    answered = [_predict(scan, out / scan.number if several else out, trained) for scan in scans]
    if not any(answered):
        raise InputError(f"{folder}: no study in it could be answered, for the reasons above")


def _predict(new: NewScan, out: Path, models: Models) -> bool:
    """Answer one study and say so in a line or two. Returns whether it had any usable slice."""
    kept, said = (), new.verdict
    if new.scan:
        window = models.inputs["window_center_hu"], models.inputs["window_width_hu"]
        (kept, _, notes), pixels = read_scan(new.scan, models.inputs["image_size"], *window)
        said = verdict([*new.notes, *notes], bool(len(kept)))
    print(f"study {new.number}: {said}")
    if not len(kept):
        for name in (TABLE, SUMMARY):
            (out / name).unlink(missing_ok=True)  # an older answer to a study that has none now
        return False
    print(f"  {len(kept)} slices of series {new.series['taken']}, which {new.series['why']} → {out}")
    missing = new.scan.missing_below(kept)
    runs = adjacent_runs(pd.DataFrame({"study": "this", "index": range(len(kept)), "missing_before": missing}))
    raw = probabilities(runs, pixels, models.folder)
    place = {"slice": range(len(kept)), "position_mm": new.scan.position_mm[kept].round(2)}
    table = pd.DataFrame(place | {"missing_before": missing.astype(int)})
    write_csv(out / TABLE, table.join(answer_columns(raw, runs, models.calibration)))
    scan = {m: scan_summary(m, values, runs, models.calibration) for m, values in raw.items()}
    own = list(raw)[-1]
    answer = scan_answer(own, scan[own], models.calibration)
    if answer:
        shown = "unknown" if answer["probability"] is None else f"{answer['probability']:.3f}"
        print(f"  any bleed: {answer['answer']} (probability {shown} by {MODEL_NAMES[own]})")
    summary = {
        "notice": NOTICE,
        "trained_on": models.inputs["source"],
        "slices": len(kept),
        "verdict": said.word,
        "reasons": said.reasons,
        "series": new.series,
        "tilt_deg": round(new.scan.tilt_deg, 2) if np.isfinite(new.scan.tilt_deg) else None,
        "model_sha256": model_hashes(models.folder / "cnn", models.folder / "lstm"),
        "versions": {package: version(package) for package in VERSIONS_OF},
        "answer": answer,
        "scan": scan,
        "meaning": MEANING,
        "calibration": models.calibration,
    }
    write_json(out / SUMMARY, summary)
    return True


def probabilities(runs: list[slice], pixels: np.ndarray, models: Path) -> dict[str, np.ndarray]:
    """(slices, 5) probabilities by model name: `cnn`, and `cnn_lstm` where there is an LSTM.

    runs: of adjacent slices, foot to head. pixels: (slices, size, size) uint8.
    """
    below, above = neighbours(runs)
    classifier = load_classifier(models / "cnn")
    rows = channel_rows(pd.DataFrame({"below": below, "above": above}), classifier.settings["channels"])
    batches = ordered_batches(unlabelled_slices(ArrayPixels(pixels), rows))
    torch.set_num_threads(cores())
    embeddings, by_cnn = embed(classifier, batches, "cpu")
    lstm = load_lstm(models / "lstm")
    if lstm is None:
        return {"cnn": by_cnn}
    if (models / "lstm" / "cnn").is_dir():  # trained end to end: the LSTM brings its own CNN
        embeddings, _ = embed(load_classifier(models / "lstm" / "cnn"), batches, "cpu")
    return {"cnn": by_cnn, "cnn_lstm": predict_scans(lstm, embeddings, ["this"] * len(rows))}


def _trained(models: Path) -> Models:
    needed = models / "cnn" / "input.json"
    if not needed.is_file():
        raise InputError(f"{needed} does not exist: train the models first with `dvc repro`, or give --models")
    return Models(models, json.loads(needed.read_text()), _calibration(models))


def _calibration(models: Path) -> dict | None:
    path = models / "calibration.json"
    record = read_calibration(path)
    if record and record["model_sha256"] != model_hashes(models / "cnn", models / "lstm"):
        raise InputError(f"{path} was fitted to other models than those beside it: run `dvc repro evaluate`")
    return record
