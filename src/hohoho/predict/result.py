"""What the models say of one new scan, as a plain record: files, a page or another format are made of it."""

from importlib.metadata import version
from typing import NamedTuple

import numpy as np
import pandas as pd

from hohoho.predict.answers import MEANING, answer_columns, positive_slices, scan_answer, scan_summary
from hohoho.predict.doubts import doubts
from hohoho.predict.models import Models
from hohoho.predict.reading import Read, read_new_scan
from hohoho.predict.studies import NewScan
from hohoho.scans.verdict import Verdict, verdict
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
    hu: np.ndarray | None = None  # (n, side, side) int16: the same for people
    runs: list[slice] | None = None  # of adjacent slices


def predict_scan(new: NewScan, models: Models, read: Read | None = None) -> Result:
    """Ask the models. read: the study's pixels, where somebody has read them."""
    if not new.scan:
        return Result(new.number, new.verdict, new)
    read = read or read_new_scan(new.scan, models.inputs["image_size"], models.window)
    (kept, _, notes), pixels, hu = read
    said = verdict([*new.notes, *notes], bool(len(kept)))
    if not len(kept):
        return Result(new.number, said, new)
    missing = new.scan.missing_below(kept)
    runs = adjacent_runs(pd.DataFrame({"study": "this", "index": range(len(kept)), "missing_before": missing}))
    (raw, embeddings), calibration = models.ask(runs, pixels), models.calibration
    own = list(raw)[-1]
    place = {"slice": range(len(kept)), "position_mm": new.scan.position_mm[kept].round(2)}
    table = pd.DataFrame(place | {"missing_before": missing.astype(int)}).join(answer_columns(raw, runs, calibration))
    return Result(
        new.number,
        said,
        new,
        kept,
        table,
        _summary(new, said, raw, doubts(new.scan, said, runs, pixels, embeddings, models), runs, models),
        slice_probabilities(raw[own], calibrated(calibration, own, raw[own])),
        positive_slices(raw[own], runs, calibration).any(axis=1) if calibration else np.zeros(len(kept), bool),
        pixels,
        hu,
        runs,
    )


def heights(result: Result) -> np.ndarray:
    """(n,) mm above the lowest slice."""
    position = result.table["position_mm"].to_numpy()
    return (position - position[0]).round(1)


def _summary(new: NewScan, said: Verdict, raw: dict, against: list[str], runs: list[slice], models: Models) -> dict:
    of_scan = {model: scan_summary(model, values, runs, models.calibration) for model, values in raw.items()}
    own = list(raw)[-1]
    return {
        "notice": NOTICE,
        "trained_on": models.inputs["source"],
        "images": len(new.scan.images),
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
