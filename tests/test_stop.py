"""A signal, or the end of DVC, ends a stage with words and a code that asks for another run."""

import os
import signal
import threading

import fake_pipeline as fake
import psutil
import pytest
from test_resume import assert_same, released, slices, trained  # noqa: F401 - two of them are fixtures
from test_runs_beside import halted

from hohoho.stage import stop
from hohoho.stage.run import run_stage
from hohoho.stage.stop import Stopped, stoppable
from hohoho.stage.workspace import holder


@pytest.fixture(autouse=True)
def usual_handlers():
    """Ctrl-C works in the test even where the tests run in the background."""
    before = {number: signal.getsignal(number) for number in stop.SIGNALS}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def send(number):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", stop.SIGNALS)
def test_a_signal_ends_a_stage_with_what_to_type_and_a_code_that_requeues(repository, monkeypatch, capsys, number):
    monkeypatch.setenv("DVC_STAGE", "embed")
    with pytest.raises(SystemExit) as ended:
        run_stage(lambda: send(number))
    assert ended.value.code == 75
    said = capsys.readouterr().err
    assert said.startswith(
        f"embed was stopped by {number.name}, and nothing is recorded. The same command (`uv run dvc"
    )
    run_stage(lambda: None)


@pytest.mark.parametrize("number", stop.SIGNALS)
@pytest.mark.parametrize("slurm", [False, True])
def test_a_training_that_is_stopped_goes_on_from_its_last_epoch(
    tmp_path,
    monkeypatch,
    capsys,
    slices,  # noqa: F811
    number,
    slurm,
):
    monkeypatch.chdir(tmp_path)
    whole = trained(tmp_path / "whole", "frozen", slices)
    if slurm:  # where Lightning would save in the middle of an epoch and call scontrol
        for name, value in {"NTASKS": "1", "JOB_ID": "1", "JOB_NAME": "row", "PROCID": "0", "LOCALID": "0"}.items():
            monkeypatch.setenv(f"SLURM_{name}", value)
    with pytest.raises(Stopped, match=number.name), stoppable():
        trained(tmp_path / "work", "frozen", slices, ("training_step", 4), then=lambda: send(number))
    assert "1 of 3 epochs are kept" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["whole", "work"]
    assert_same(whole, trained(tmp_path / "work", "frozen", slices))


def test_only_the_first_signal_counts_and_the_handlers_are_put_back():
    before = [signal.getsignal(number) for number in stop.SIGNALS]
    with pytest.raises(Stopped, match="SIGUSR1"), stoppable():
        try:
            send(signal.SIGUSR1)
        finally:
            send(signal.SIGTERM)
    assert [signal.getsignal(number) for number in stop.SIGNALS] == before


def test_what_was_ignored_before_is_ignored_still():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with stoppable():
        send(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN


def test_code_that_swallows_the_stop_cannot_hold_the_process(monkeypatch):
    ended, codes = threading.Event(), []
    monkeypatch.setattr(stop, "GRACE_S", 0.01)
    monkeypatch.setattr(os, "_exit", lambda code: (codes.append(code), ended.set()))
    with stoppable():
        try:
            send(signal.SIGTERM)
        except Stopped:
            assert ended.wait(60)
    assert codes == [75]


def test_when_dvc_alone_is_killed_its_stage_ends_and_the_next_run_is_as_ever(begun, monkeypatch):
    run = halted(begun, "dvc repro train_cnn")
    monkeypatch.chdir(begun)
    stage = psutil.Process(holder("train_cnn"))
    run.kill()
    stage.wait(60)
    said, _ = run.communicate()
    assert "DVC has ended, so this stage does as well" in said
    fake.release(begun, "train_cnn")
    again = fake.command(begun, "dvc repro train_cnn")
    assert again.returncode == 0, again.stdout + again.stderr


def test_a_stage_whose_dvc_was_gone_before_it_had_loaded_its_modules_does_no_work(repository, monkeypatch, capsys):
    monkeypatch.setenv("DVC_STAGE", "embed")
    monkeypatch.setattr("hohoho.PARENT_AT_START", os.getppid() + 1)
    with pytest.raises(SystemExit) as ended:
        run_stage(lambda: threading.Event().wait(60))
    assert ended.value.code == 75
    assert "DVC has ended" in capsys.readouterr().err


def test_dvc_tells_the_code_of_a_stage_that_was_stopped(begun, monkeypatch):
    run = halted(begun, "dvc repro train_cnn")
    monkeypatch.chdir(begun)
    os.kill(holder("train_cnn"), signal.SIGTERM)
    said, _ = run.communicate(timeout=120)
    assert run.returncode != 0
    assert "train_cnn was stopped by SIGTERM" in said and "exited with 75" in said
