"""docs/results/rows.csv: the rows at the phantom's default scale, a line per row and seed, out of DVC's experiments."""

from pathlib import Path

import pandas as pd

from hohoho.files import write_csv
from hohoho.rows.records import DONE, Experiment
from hohoho.rows.results import changes, without_seed
from hohoho.rows.row import Row
from hohoho.rows.run_record import record_of
from hohoho.rows.stale import lines_of_git
from hohoho.slices.split import SPLITS

ROWS = Path("docs/results/rows.csv")
KEYS = ["row", "seed"]
UNCHANGED = ("evaluate.figures",)  # may be otherwise: it touches no score
SCORES = {"floor_test": "all_positive.test", "auroc_test": "cnn.auroc_test", "lstm_auroc_test": "cnn_lstm.auroc_test"}


def read_committed(path: Path = ROWS) -> pd.DataFrame:
    """The table as it is; empty where there is none."""
    return pd.read_csv(path, dtype={"commit": str}) if path.is_file() else pd.DataFrame(columns=KEYS)


def add_experiments(table: pd.DataFrame, rows: list[Row], experiments: list[Experiment]) -> pd.DataFrame:
    """With what DVC has recorded of these rows at the phantom's default scale; of a row and seed the newest run."""
    order = {row.name: number for number, row in enumerate(rows)}
    done = [e for e in experiments if e.state == DONE and e.row in order and at_default_scale(e)]
    if not done:
        return table
    found = pd.concat([table, pd.DataFrame(map(line, done))] if len(table) else [pd.DataFrame(map(line, done))])
    return found.drop_duplicates(KEYS, keep="last").sort_values(KEYS, key=lambda key: key.map(order).fillna(key))


def at_default_scale(experiment: Experiment) -> bool:
    """Whether it ran on the phantom with what conf/ gives its row there now, but for the seed."""
    if experiment.source != "phantom":
        return False
    changed = without_seed(changes(experiment.row, experiment))
    return all(change.startswith(UNCHANGED) for change in changed)


def line(experiment: Experiment) -> dict:
    """What is kept of one run: its scores, on what it was computed, and for how many minutes."""
    record = record_of(experiment) or {"scores": {}, "stages": {}}
    stages = {stage: run for stage, run in record["stages"].items() if run}
    low, high = experiment.val_interval or (None, None)
    return (
        {"row": experiment.row, "seed": experiment.params["seed"]}
        | {split: experiment.f2.get(split) for split in SPLITS}
        | {"val_low": low, "val_high": high}
        | {name: record["scores"].get(key) for name, key in SCORES.items()}
        | {key: stages.get("train_cnn", {}).get(key) for key in ("cpu", "units", "precision", "threads")}
        | {"minutes": round(sum(run.get("minutes", 0) for run in stages.values()), 1)}
        | {"commit": next(iter(lines_of_git("rev-parse", "--short", f"{experiment.rev}^")), "")}
    )


def write_committed(table: pd.DataFrame, path: Path = ROWS) -> None:
    """At one stroke."""
    write_csv(path, table)
