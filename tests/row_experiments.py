"""The rows, and experiments as DVC would have recorded them."""

import copy
import json
import shutil
from contextlib import chdir
from datetime import datetime
from functools import cache
from pathlib import Path

import pytest
import yaml
from dvc.utils.hydra import load_hydra_plugins
from fake_pipeline import STAGE

from hohoho.rows.records import Experiment
from hohoho.rows.row import read_rows
from hohoho.rows.runs import composed

ROOT = Path(__file__).parents[1]
ROWS = read_rows(ROOT / "published.yaml")
NAMES = [row.name for row in ROWS]

load_hydra_plugins(str(ROOT / "conf/plugins"))  # Hydra looks once a process; a test's tiny repository must not be first


def experiment(row, source="phantom", val=0.5, test=0.5, state="done", day=1, seed=None, interval=None, **changed):
    """An experiment as DVC would have recorded it. interval: of val. changed: section={knob: value}."""
    params = copy.deepcopy(composed_row(row, source))
    if seed is not None:
        params["seed"] = seed
    for section, values in changed.items():
        params[section] |= values
    f2 = {"train": 0.9, "val": val, "test": test} if state == "done" else {}
    return Experiment(row.replace("_", "-"), state, datetime(2026, 1, day), params, f2, interval)


@cache
def composed_row(row, source):
    """The parameters of a row; composing takes a while."""
    return composed([f"row={row}", f"data={source}", *["data.root=anywhere"] * (source != "phantom")])


def score_alone(row: str, folder: Path) -> float:
    """The test F2 of a row in the fake pipeline without DVC: one stage after another in this process, in `folder`."""
    with chdir(ROOT):
        params = composed([f"row={row}"])
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    for path in ("dvc.yaml", "conf/schema.yaml"):
        (folder / path).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / path, folder / path)
    stage = {"__name__": "stage"}
    exec(STAGE, stage)
    with chdir(folder), pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_ROOT", str(folder))
        for name in yaml.safe_load(Path("dvc.yaml").read_text())["stages"]:
            patch.setenv("DVC_STAGE", name)
            stage["main"]()
        return json.loads(Path("metrics/scores.json").read_text())["f2"]["test"]
