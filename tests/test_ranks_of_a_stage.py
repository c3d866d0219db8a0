"""A stage and its ranks: DVC starts one process, that one starts the others, and they end together."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import fake_pipeline as fake
import psutil
import pytest
import yaml
from ranks_at_work import poisoned
from test_stage import set_parameter

from hohoho.errors import InputError, NumericBreakdown
from hohoho.params import Record
from hohoho.stage import ranks
from hohoho.stage.stop import Stopped

STAGE = """
import os, signal, time
from pathlib import Path

from hohoho.errors import InputError
from hohoho.ranks import rank, ranks, restarts
from hohoho.stage.checkpoint import claim
from hohoho.stage.ranks import in_ranks
from hohoho.stage.run import run_stage

HOW = os.environ["HOW"]


def main():
    in_ranks(work)


def work():
    if rank() == 0:
        claim(Path(".checkpoints/train_lstm/x"))
    print(f"{ranks()} at work")
    Path(f"at_rank_{rank()}_{restarts()}").write_text(str(os.getpid()))
    while not Path("at_rank_0_0").exists():
        time.sleep(0.02)
    if HOW == "refuse" and rank() == 1:
        raise InputError("these pixels are no good")
    if HOW == "crash" and rank() == 1:
        raise KeyError("a bug")
    if HOW == "nan":
        from ranks_at_work import poisoned

        poisoned()
    if HOW == "kill" and rank() == 1 and not restarts():
        os.kill(os.getpid(), signal.SIGKILL)
    if HOW in ("wait", "refuse", "crash") or HOW == "kill" and not restarts():
        time.sleep(600)  # as in a step that waits for the other rank
    if rank() == 0:
        Path("data/embeddings_end_to_end.npy").write_text("whole")


if __name__ == "__main__":
    run_stage(main)
"""
SRUN = f"""#!{sys.executable}
import os, subprocess, sys
options = [word for word in sys.argv[1:] if word.startswith("--")]
start = next(number for number, word in enumerate(sys.argv[1:], 1) if not word.startswith("--"))
assert {{"--nodes=2", "--ntasks=2", "--ntasks-per-node=1", "--kill-on-bad-exit=1", "--cpus-per-task=4"}} <= set(options)
nodes = [subprocess.Popen(sys.argv[start:]) for _ in range(2)]
sys.exit(max(node.wait() for node in nodes))
"""


@pytest.fixture
def place(tmp_path):
    """A repository whose train_lstm works in two ranks."""
    folder = fake.make(tmp_path / "repository")
    (folder / "stages/train_lstm.py").write_text(STAGE)
    set_parameter(folder / "params.yaml", "runtime.devices", 2)
    return folder


def started(folder, how, **more):
    environment = fake.environment(HOW=how, PYTHONPATH=os.pathsep.join(["src", str(Path(__file__).parent)]), **more)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen([sys.executable, "stages/train_lstm.py"], cwd=folder, env=environment, **pipes)


def at_work(folder):
    """The ranks, once both are at work."""
    paths = [folder / f"at_rank_{rank}_0" for rank in range(2)]
    fake.wait_until(lambda: all(path.exists() and path.read_text() for path in paths), "two ranks")
    return [psutil.Process(int(path.read_text())) for path in paths]


@pytest.mark.parametrize(
    ("how", "said"), [("refuse", "ERROR: these pixels are no good\n"), ("crash", "rank 1: Traceback (most recent")]
)
def test_what_one_rank_cannot_go_on_with_ends_all_and_is_the_stages_one_message(place, how, said):
    run = started(place, how)
    output, _ = run.communicate(timeout=fake.PATIENCE_S)
    assert run.returncode == 1
    assert output.startswith(f"2 at work\n{said}")
    assert output.count("Traceback") == (how == "crash")
    assert not list(place.glob("at_rank_*_1")), "started again"
    assert not list(place.glob(".checkpoints/ranks/*"))


def test_a_nan_that_one_rank_meets_ends_all_with_the_words_of_one(place):
    """Which name the slices of the whole batch, because batch normalisation shares a NaN among the ranks."""
    with pytest.raises(NumericBreakdown, match="the loss became NaN in epoch 1, step .*s2: ") as alone:
        poisoned()
    run = started(place, "nan")
    output, _ = run.communicate(timeout=fake.PATIENCE_S)
    assert run.returncode == 1
    assert output == f"2 at work\nERROR: {alone.value}\n"
    assert not list(place.glob("at_rank_*_1")), "started again"


def test_a_rank_that_is_killed_starts_again_and_the_stage_ends_well(place):
    run = started(place, "kill")
    output, _ = run.communicate(timeout=fake.PATIENCE_S)
    assert run.returncode == 0, output
    assert sorted(path.name for path in place.glob("at_rank_*")) == [f"at_rank_{r}_{n}" for r in (0, 1) for n in (0, 1)]
    assert output.splitlines()[-1].startswith("train_lstm: ") and "MB of memory at most" in output
    assert (place / "metrics/costs/train_lstm.json").exists()
    assert not (place / ".checkpoints/train_lstm").exists()


@pytest.mark.parametrize(("target", "number"), [("stage", "SIGTERM"), ("stage", "SIGKILL"), ("rank", "SIGUSR1")])
def test_stage_and_ranks_are_stopped_together_and_no_rank_trains_on(place, target, number):
    run = started(place, "wait")
    processes = at_work(place)
    assert (place / ".checkpoints/train_lstm/x/lock").read_text() == str(run.pid), "whom to stop"
    os.kill(run.pid if target == "stage" else processes[1].pid, signal.Signals[number])
    output, _ = run.communicate(timeout=fake.PATIENCE_S)
    _, alive = psutil.wait_procs(processes, timeout=60)
    assert not alive
    assert not list(place.glob("at_rank_*_1")), "started again"
    if number != "SIGKILL":
        assert run.returncode == 75
        assert f"train_lstm was stopped by {number}, and nothing is recorded" in output


def test_on_two_nodes_srun_starts_one_torchrun_on_each(place, tmp_path):
    (tmp_path / "bin").mkdir()
    srun = tmp_path / "bin/srun"
    srun.write_text(SRUN)
    srun.chmod(0o755)
    for name, value in {"runtime.devices": 1, "runtime.nodes": 2}.items():
        set_parameter(place / "params.yaml", name, value)
    path = os.pathsep.join([str(srun.parent), fake.environment()["PATH"]])
    job = {"JOB_ID": "7", "JOB_NUM_NODES": "2", "JOB_NODELIST": "localhost", "CPUS_PER_TASK": "4"}
    run = started(place, "end", **{f"SLURM_{name}": value for name, value in job.items()} | {"PATH": path})
    output, _ = run.communicate(timeout=fake.PATIENCE_S)
    assert run.returncode == 0, output
    assert output.startswith("2 at work\ntrain_lstm: ")
    assert sorted(path.name for path in place.glob("at_rank_*")) == ["at_rank_0_0", "at_rank_1_0"]


@pytest.mark.parametrize(
    ("code", "said", "raised", "message"),
    [
        (70, {}, InputError, "the ranks were killed 4 times, as it happens where memory runs out: take a smaller"),
        (75, {}, Stopped, "SIGTERM"),
        (1, {}, SystemExit, "ERROR: torchrun, which starts the ranks, ended with the code 1"),
        (70, {"error": "no good"}, InputError, "^no good$"),
    ],
)
def test_the_end_of_torchrun_is_told_by_its_reason(tmp_path, monkeypatch, code, said, raised, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(raised, match=message):
        ranks.take(said, code)


@pytest.mark.parametrize(
    ("asked", "job", "message"),
    [
        ({"devices": 10**6}, {}, r"runtime.devices is 1000000, but this machine has \d+ processors: ask for at most"),
        ({"nodes": 2}, {}, "runtime.nodes is 2, but this is no SLURM job: submit docs/slurm/row.sbatch"),
        ({"nodes": 3}, {"SLURM_JOB_NUM_NODES": "2"}, "runtime.nodes is 3, but this SLURM job has 2: submit"),
    ],
)
def test_devices_and_nodes_that_are_not_there_are_refused_before_any_work(monkeypatch, asked, job, message):
    monkeypatch.delenv("SLURM_JOB_NUM_NODES", raising=False)
    for name, value in job.items():
        monkeypatch.setenv(name, value)
    machine = Record({"devices": 1, "nodes": 1, "accelerator": "cpu", **asked})
    with pytest.raises(InputError, match=message):
        ranks.refuse_impossible(machine)


def test_more_gpus_than_there_are_are_refused(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    with pytest.raises(InputError, match="runtime.devices is 4, but this machine has 2 GPUs"):
        ranks.refuse_impossible(Record({"devices": 4, "nodes": 1, "accelerator": "auto"}))


def test_no_stage_depends_on_where_it_is_computed():
    stages = yaml.safe_load((fake.ROOT / "dvc.yaml").read_text())["stages"]
    assert not [name for stage in stages.values() for name in stage.get("params", []) if name.startswith("runtime")]
