"""What a stage cost is recorded beside the metrics and shown, whether or not all stages ran."""

import json
import sys
from pathlib import Path

import pytest

from hohoho.errors import InputError
from hohoho.stage import costs, run
from hohoho.stage.costs import COSTS, cost_table, write_cost


@pytest.fixture(autouse=True)
def empty(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_STAGE", raising=False)
    Path("dvc.yaml").write_text("stages: {embed: {cmd: x, deps: []}, evaluate: {cmd: x, deps: []}}")


def started(monkeypatch, seconds_ago):
    now = costs.time.time()
    monkeypatch.setattr(costs.psutil.Process, "create_time", lambda _: now - seconds_ago)


def test_the_time_counts_from_the_start_of_the_process_with_its_imports(monkeypatch):
    started(monkeypatch, 42)
    assert write_cost("stack")["seconds"] == pytest.approx(42, abs=0.5)
    assert json.loads((COSTS / "stack.json").read_text())["peak_memory_mb"] > 20


def test_the_table_shows_each_stage_once_and_their_sum(monkeypatch):
    for stage, seconds in (("train_cnn", 30), ("ingest", 10), ("ingest", 12)):
        started(monkeypatch, seconds)
        write_cost(stage)
    lines = cost_table().splitlines()
    assert [line.split()[0] for line in lines] == ["stage", "ingest", "train_cnn", "together"]
    assert float(lines[-1].split()[1]) == pytest.approx(42, abs=1)


@pytest.mark.parametrize(("stage", "table"), [("embed", False), ("evaluate", True)])
def test_every_stage_says_what_it_cost_and_the_last_one_what_all_cost(monkeypatch, capsys, stage, table):
    monkeypatch.setattr(sys, "argv", [f"stages/{stage}.py"])
    run.run_stage(lambda: None)
    said = capsys.readouterr().out
    assert said.startswith(f"{stage}: ")
    assert ("together" in said) == table


def test_a_stage_that_failed_has_no_cost(monkeypatch):
    def fail():
        raise InputError("no")

    monkeypatch.setattr(sys, "argv", ["stages/embed.py"])
    with pytest.raises(SystemExit):
        run.run_stage(fail)
    assert not COSTS.exists()
