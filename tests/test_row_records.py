"""Rows with DVC itself, on a repository of one stage: what it records is found, and nothing runs twice."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from row_experiments import ROOT, ROWS

from hohoho.errors import InputError
from hohoho.rows.records import read_experiments
from hohoho.rows.results import results
from hohoho.rows.row import rows_named
from hohoho.rows.runs import experiment_name, run_rows

CONFIG = """\
defaults: [_self_, {data: phantom}, {row: default}]
edit: here
row: default
seed: 0
small: 0.00001
fails: false
data: {source: null, root: null}
runtime: {workers: 2}
"""
STAGE = """\
import json, pathlib, time, yaml
if pathlib.Path("hang").exists():
    pathlib.Path("hanging").touch()
    time.sleep(60)
params = yaml.safe_load(open("params.yaml"))
assert not params["fails"]
pathlib.Path("metrics").mkdir(exist_ok=True)
scores = {"f2": {"train": 0.9, "val": 0.8, "test": 0.7 if params["seed"] else None}}
scores["f2_val_interval"] = {"low": 0.7, "high": None if params["seed"] == 3 else 0.9}
pathlib.Path("metrics/scores.json").write_text(json.dumps(scores))
"""
PIPELINE = """\
stages:
  train:
    cmd: python train.py
    deps: [train.py]
    params: [seed, small, fails]
    metrics: [{metrics/scores.json: {cache: false}}]
"""


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A repository with three rows whose middle one fails."""
    files = {"conf/config.yaml": CONFIG, "train.py": STAGE, "dvc.yaml": PIPELINE, "params.yaml": "row: default\n"}
    files["conf/data/phantom.yaml"] = "# @package _global_\ndata: {source: phantom, root: somewhere}\n"
    own = {"default": "", "table2_c1": "seed: 1", "table2_c2": "fails: true", "table2_c3": "seed: 3"}
    files |= {f"conf/row/{name}.yaml": f"# @package _global_\nrow: {name}\n{text}\n" for name, text in own.items()}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_STAGE", raising=False)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    settings = "dvc config hydra.enabled true; dvc config core.analytics false; dvc config core.autostage true"
    identity = "git config user.email test@example.org; git config user.name test"
    run(f"git init -q; {identity}; dvc init -q; {settings}; git add -A; git commit -qm tiny")
    return tmp_path


def run(script):
    subprocess.run(["bash", "-ec", script], check=True, capture_output=True)


def test_a_row_is_run_once_and_a_failure_stops_no_other(tiny, capsys):
    rows = rows_named(ROWS, ["table2_c1", "table2_c2", "table2_c3"])

    assert run_rows(rows[:1], [], False, read_experiments()) == []
    capsys.readouterr()
    assert run_rows(rows, [], False, read_experiments()) == ["table2-c2"]
    assert "[1/3] table2_c1: done already, as experiment table2-c1" in capsys.readouterr().out

    run("git add -A; git commit -qm later")  # experiments of other commits count too
    found = read_experiments()
    assert [(e.name, e.row, e.state, e.source) for e in found] == [
        ("table2-c1", "table2_c1", "done", "phantom"),
        ("table2-c3", "table2_c3", "done", "phantom"),
    ]
    assert found[0].f2 == {"train": 0.9, "val": 0.8, "test": 0.7}
    assert [e.val_interval for e in found] == [(0.7, 0.9), None]
    tips = subprocess.check_output(["git", "for-each-ref", "--format=%(objectname)", "refs/exps/*/*/table*"], text=True)
    assert {e.rev for e in found} == set(tips.split())
    assert [r.verdict().text for r in results(rows, found)] == ["run (phantom – not comparable)", "not run"] + [
        "run (phantom – not comparable)"
    ]

    calls = []
    run_rows(rows, ["runtime.workers=7"], False, found, calls.append)
    assert [words[4] for words in calls] == ["table2-c2"]
    run_rows(rows[:1], ["small=0.1"], False, found, calls.append)
    assert calls[-1][4] == experiment_name("table2_c1", ["small=0.1"])


def test_a_killed_run_goes_on_where_it_stopped(tiny, capsys):
    rows = rows_named(ROWS, ["table2_c1", "table2_c3"])
    assert run_rows(rows[:1], [], False, read_experiments()) == []
    (tiny / "hang").touch()
    code = (
        "import sys; from pathlib import Path; from hohoho.rows.row import read_rows, rows_named\n"
        "from hohoho.rows.records import read_experiments; from hohoho.rows.runs import run_rows\n"
        "rows = rows_named(read_rows(Path(sys.argv[1])), ['table2_c1', 'table2_c3'])\n"
        "run_rows(rows, [], False, read_experiments())\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, ROOT / "published.yaml"], start_new_session=True)
    deadline = time.monotonic() + 60
    while not (tiny / "hanging").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    below = [child.pid for child in psutil.Process(process.pid).children(recursive=True)]
    for pid in [process.pid, *below]:  # the command, DVC and the stage, as where a machine stops
        os.kill(pid, signal.SIGKILL)
    process.wait()
    while any(map(psutil.pid_exists, below)):  # DVC takes a dead process for a live one until it is reaped
        if time.monotonic() > deadline:
            pytest.skip("nobody reaps orphaned processes on this machine")
        time.sleep(0.2)
    (tiny / "hang").unlink()

    assert run_rows(rows, [], False, read_experiments()) == []
    assert "[1/2] table2_c1: done already" in capsys.readouterr().out
    assert [e.row for e in read_experiments()] == ["table2_c1", "table2_c3"]


def test_a_queued_row_is_seen_as_queued(tiny):
    row = rows_named(ROWS, ["table2_c1"])
    assert run_rows(row, [], True, read_experiments()) == []
    assert [(e.name, e.state) for e in read_experiments()] == [("table2-c1", "queued")]
    run_rows(row, [], True, read_experiments(), lambda words: pytest.fail("queued twice"))
    assert results(row, read_experiments())[0].verdict().text == "not run (queued)"


def test_outside_a_repository_it_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="repository's root folder"):
        read_experiments()
