"""What the models say of one new scan, as a plain record: files, a page or another format are made of it."""

from importlib.metadata import version
from typing import NamedTuple

import numpy as np
import pandas as pd

from hohoho.dicom.hounsfield import AIR_HU
from hohoho.predict.answers import MEANING, answer_columns, positive_slices, scan_answer, scan_summary
from hohoho.predict.doubts import doubts
from hohoho.predict.models import Models
from hohoho.predict.studies import NewScan
from hohoho.scans.pixels import read_scan
from hohoho.scans.verdict import Verdict, verdict
from hohoho.scans.windowing import to_square
from hohoho.scores.calibration import calibrated
from hohoho.scores.predictions import slice_probabilities
from hohoho.slices.store import adjacent_runs

NOTICE = "For research and teaching. Not a medical device: never use this for a patient."
VERSIONS_OF = ("hohoho", "torch", "torchvision", "pydicom")


class Result(NamedTuple):
    """One study's answer. The fields from `table` on are None where no slice of it could be used."""

    number: str  # of the study in its folder, as `hohoho check` numbers it
    said: Verdict
    new: NewScan
    kept: np.ndarray | None = None  # (n,) indices of the scan's slices that could be read, foot to head
    table: pd.DataFrame | None = None  # a row per slice: predictions.csv
    summary: dict | None = None  # prediction.json
    probabilities: np.ndarray | None = None  # (n, 6) of the own model's slices, as in CLASSES
    positive: np.ndarray | None = None  # (n,) bool: any class of the own model, as `evaluate` answers
    pixels: np.ndarray | None = None  # (n, size, size) uint8: what the models saw
    runs: list[slice] | None = None  # of adjacent slices


def predict_scan(new: NewScan, models: Models) -> Result:
    """Read one study and ask the models."""
    if not new.scan:
        return Result(new.number, new.verdict, new)
    (kept, _, notes), pixels = read_scan(new.scan, models.inputs["image_size"], *models.window)
    said = verdict([*new.notes, *notes], bool(len(kept)))
    if not len(kept):
        return Result(new.number, said, new)
    missing = new.scan.missing_below(kept)
    runs = adjacent_runs(pd.DataFrame({"study": "this", "index": range(len(kept)), "missing_before": missing}))
    raw, calibration = models.probabilities(runs, pixels), models.calibration
    own = list(raw)[-1]
    place = {"slice": range(len(kept)), "position_mm": new.scan.position_mm[kept].round(2)}
    table = pd.DataFrame(place | {"missing_before": missing.astype(int)}).join(answer_columns(raw, runs, calibration))
    return Result(
        new.number,
        said,
        new,
        kept,
        table,
        _summary(new, said, raw, doubts(new.scan, said, runs, pixels, models), runs, models),
        slice_probabilities(raw[own], calibrated(calibration, own, raw[own])),
        positive_slices(raw[own], runs, calibration).any(axis=1) if calibration else np.zeros(len(kept), bool),
        pixels,
        runs,
    )


def heights(result: Result) -> np.ndarray:
    """(n,) mm above the lowest slice."""
    position = result.table["position_mm"].to_numpy()
    return (position - position[0]).round(1)


def hounsfield(result: Result, side: int) -> np.ndarray:
    """(n, side, side) int16 HU of the slices that were used, read anew, in the proportions that the models saw."""
    scan = result.new.scan
    pictures = [
        to_square(scan.read_slice(scan.images[i])[0].astype(np.float32), scan.spacing_mm[i], side, AIR_HU)
        for i in result.kept
    ]
    return np.rint(np.stack(pictures)).astype(np.int16)


def _summary(new: NewScan, said: Verdict, raw: dict, against: list[str], runs: list[slice], models: Models) -> dict:
    of_scan = {model: scan_summary(model, values, runs, models.calibration) for model, values in raw.items()}
    own = list(raw)[-1]
    return {
        "notice": NOTICE,
        "trained_on": models.inputs["source"],
        "slices": sum(run.stop - run.start for run in runs),
        "verdict": said.word,
        "reasons": said.reasons,
        "series": new.series,
        "tilt_deg": round(new.scan.tilt_deg, 2) if np.isfinite(new.scan.tilt_deg) else None,
        "model_sha256": models.sha256,
        "versions": {package: version(package) for package in VERSIONS_OF},
        "doubts": against,
        "answer": scan_answer(own, of_scan[own], models.calibration, against),
        "scan": of_scan,
        "meaning": MEANING,
        "calibration": models.calibration,
    }
