"""What a finished run knows of itself: parameters, data, scores; read from the files that `dvc repro` left."""

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

from hohoho.errors import InputError
from hohoho.params import flat
from hohoho.predict.models import Models, load_models
from hohoho.stage.inputs import read_lock, used_parameters

LOCK = Path("dvc.lock")
INGEST, SCORES, DETAILS = Path("metrics/ingest.json"), Path("metrics/scores.json"), Path("metrics/details.json")
PRIVATE = ("data.root", "data.labels")  # where the data lie


class FinishedRun(NamedTuple):
    """A run whose models, scores and parameters belong together."""

    folder: Path  # of the models
    models: Models
    ingest: dict
    scores: dict  # the headline
    details: dict
    parameters: dict  # dotted name → value, as every stage ran with them, but for where the data lie


def read_run(root: Path) -> FinishedRun:
    """The run in a clone of the repository. Raises InputError where it is not finished, or its files do not fit."""
    lock_path = root / LOCK
    if not lock_path.is_file():
        raise InputError(f"{lock_path} does not exist: run this where `dvc repro` has run")
    stages = read_lock(lock_path.read_text(encoding="utf-8"))
    written = {out["path"]: out["md5"] for stage in stages.values() for out in stage.get("outs", [])}
    for path in (INGEST, SCORES, DETAILS, Path("models/calibration.json"), Path("models/familiar.npz")):
        if not (root / path).is_file() or _md5(root / path) != written.get(path.as_posix()):
            raise InputError(f"{root / path} is not what {LOCK} says: run `dvc repro` (or `dvc checkout`) first")
    models = load_models(root / "models")
    used = [used_parameters(stage) for stage in stages.values()]
    parameters = {name: value for each in used for name, value in flat(each).items() if name not in PRIVATE}
    records = (json.loads((root / path).read_text(encoding="utf-8")) for path in (INGEST, SCORES, DETAILS))
    return FinishedRun(root / "models", models, *records, dict(sorted(parameters.items())))


def _md5(path: Path) -> str:
    """As DVC takes it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()
