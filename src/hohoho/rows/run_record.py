"""The reproduce.json that a run has left, of an experiment's commit or of a file."""

import json
import subprocess
from collections.abc import Mapping

from hohoho.errors import InputError
from hohoho.params import value_at
from hohoho.rows.records import Experiment, result_params
from hohoho.slices.split import SPLITS
from hohoho.stage.record import RECORD

SECTIONS = ("params", "packages", "stages", "hashes", "scores", "code")


def record_of(experiment: Experiment) -> dict | None:
    """The record in an experiment's commit; None where there is none, or where it is that of another run."""
    shown = subprocess.run(["git", "show", f"{experiment.rev}:{RECORD}"], capture_output=True, text=True, check=False)
    if shown.returncode:
        return None
    record = checked(shown.stdout, f"{RECORD} of experiment {experiment.name}")
    scores = {split: record["scores"].get(f"f2.{split}") for split in SPLITS}
    same = result_params(record["params"]) == result_params(experiment.params) and scores == experiment.f2
    return record if same else None


def checked(text: str, name: str) -> dict:
    """A record from JSON. Raises `InputError` where it is none."""
    try:
        record = json.loads(text)
    except ValueError as error:
        raise InputError(f"{name} is not JSON ({error}): give a {RECORD} as a run has left it") from None
    missing = [key for key in SECTIONS if not isinstance(record, Mapping) or not isinstance(record.get(key), Mapping)]
    if not missing:
        row, source = (value_at(record, f"params.{key}") for key in ("row", "data.source"))
        missing = [] if isinstance(row, str) and isinstance(source, str) else ["params.row or params.data.source"]
    if missing:
        raise InputError(f"{name} lacks {', '.join(missing)}: give a {RECORD} as a run has left it")
    return record
