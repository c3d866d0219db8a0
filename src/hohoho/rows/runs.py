"""Rows → `dvc exp run`, once each: what is recorded already is not run again."""

import hashlib
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from hohoho.errors import InputError
from hohoho.params import parse
from hohoho.rows.composition import compose
from hohoho.rows.records import DONE, Experiment, result_params
from hohoho.rows.row import Row
from hohoho.rows.worktrees import experiment_elsewhere
from hohoho.stage.workspace import wait_for_others, wait_while

Runner = Callable[[list[str]], int]  # command → exit code


class Plan(NamedTuple):
    """One experiment to run."""

    name: str
    row: str
    params: dict  # of `result_params`, as composed now


def composed(overrides: list[str]) -> dict:
    """What `dvc exp run -S …` would write into params.yaml. Raises `InputError` where it would refuse."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "params.yaml"
        try:
            compose(output, overrides)
        except SystemExit as refused:  # the check of conf/plugins speaks so
            raise InputError(str(refused).removeprefix("ERROR: ")) from None
        return parse(output.read_text())


def experiment_name(row: str, overrides: list[str]) -> str:
    """The row's name with "-" for "_"; overrides that can change a result add a short suffix, the same in any order."""
    changing = sorted(override for override in overrides if not override.lstrip("+~").startswith("runtime."))
    return row.replace("_", "-") + (f"-{_digest(changing)}" if changing else "")


def _digest(parts: list[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:6]


def plan(row: str, overrides: list[str], experiments: list[Experiment]) -> Plan:
    """What would run. A name that other parameters hold already gets a suffix of these parameters."""
    if any(override.lstrip("+~").startswith("row=") for override in overrides):
        raise InputError("-S row=… is what the names of the rows say; leave it out")
    params = result_params(composed([f"row={row}", *overrides]))
    name = experiment_name(row, overrides)
    if any(e.name == name and result_params(e.params) != params for e in experiments):
        name += "-" + _digest([f"{key}={value!r}" for key, value in sorted(params.items())])
    return Plan(name, row, params)


def recorded(planned: Plan, experiments: list[Experiment], states: tuple[str, ...]) -> Experiment | None:
    """The experiment in one of these states that ran this row with these very parameters."""
    same = (e for e in experiments if e.state in states and e.row == planned.row)
    return next((e for e in same if result_params(e.params) == planned.params), None)


def run_command(words: list[str]) -> int:
    """Run DVC with this Python, which its stages find first as well, its output passed through; its exit code."""
    wait_for_others()
    if "--queue" not in words:
        wait_while(experiment_elsewhere)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    process = subprocess.Popen([sys.executable, "-m", *words], env={**os.environ, "PATH": path})
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.wait()  # DVC was interrupted as well, and needs a moment to put HEAD back
        raise


def run_rows(
    rows: list[Row], overrides: list[str], queue: bool, experiments: list[Experiment], run: Runner = run_command
) -> list[str]:
    """Run or queue each row that no experiment has recorded; returns the names of those that failed.

    Every row is composed before the first one runs, so a mistake costs nothing. A failure stops no other row.
    """
    plans = [plan(row.name, overrides, experiments) for row in rows]
    failed = []
    for number, planned in enumerate(plans, 1):
        progress = f"[{number}/{len(plans)}] {planned.row}"
        found = recorded(planned, experiments, states(queue))
        if found:
            print(f"{progress}: {found.state} already, as experiment {found.name}", flush=True)
            continue
        options = [part for setting in (f"row={planned.row}", *overrides) for part in ("-S", setting)]
        words = ["dvc", "exp", "run", *["--queue"] * queue, "-n", planned.name, *options]
        print(f"{progress}: {shlex.join(words)}", flush=True)
        if run(words):
            failed.append(planned.name)
    return failed


def states(queue: bool) -> tuple[str, ...]:
    """The states of an experiment that need no other run; where rows are queued, it may still be under way."""
    return (DONE, "queued", "running") if queue else (DONE,)


def unrecorded(rows: list[Row], overrides: list[str], queue: bool, experiments: list[Experiment]) -> list[str]:
    """The names of those rows that no experiment has recorded with the parameters that they ran with."""
    plans = [plan(row.name, overrides, experiments) for row in rows]
    return [planned.name for planned in plans if not recorded(planned, experiments, states(queue))]
