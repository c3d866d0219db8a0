"""The rows, and experiments as DVC would have recorded them."""

from datetime import datetime
from pathlib import Path

from dvc.utils.hydra import load_hydra_plugins

from hohoho.rows.records import Experiment
from hohoho.rows.row import read_rows
from hohoho.rows.runs import composed

ROOT = Path(__file__).parents[1]
ROWS = read_rows(ROOT / "published.yaml")
NAMES = [row.name for row in ROWS]

load_hydra_plugins(str(ROOT / "conf/plugins"))  # Hydra looks once a process; a test's tiny repository must not be first


def experiment(row, source="phantom", val=0.5, test=0.5, state="done", day=1, **changed):
    """An experiment as DVC would have recorded it; changed: section={knob: value}."""
    params = composed([f"row={row}", f"data={source}", *["data.root=anywhere"] * (source != "phantom")])
    for section, values in changed.items():
        params[section] |= values
    f2 = {"train": 0.9, "val": val, "test": test} if state == "done" else {}
    return Experiment(row.replace("_", "-"), state, datetime(2026, 1, day), params, f2)
