"""A training that is interrupted anywhere goes on from its last whole epoch, and ends as if nothing had happened."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import fake_pipeline as fake
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_stage import repository, set_parameter  # noqa: F401 - one is a fixture
from test_training import CPU, slices, training_of  # noqa: F401 - slices is a fixture

from hohoho.params import Record, stage_params
from hohoho.stage.checkpoint import checkpoint_folder, claim, release, remove_claimed
from hohoho.stage.workspace import PAUSE_S, holder
from hohoho.training.checkpoint import CheckedFiles, latest
from hohoho.training.fit import Recipe, fit

EPOCHS = 3
DEVICES = [CPU, *[Record({"device": "cuda", "progress": False})] * torch.cuda.is_available()]


class Interrupted(Exception):
    """Where a test ends a training."""


@pytest.fixture(autouse=True)
def released():
    """What a test claims is free for the next one."""
    yield
    release()


def trained(folder, kind, slices, at=None, keep="best_f2", start=0, epochs=EPOCHS, then=None, runtime=CPU):  # noqa: F811
    """(curves, weights, curves on disk) of a training that keeps its epochs in folder/work; None where it is cut off.

    at: (hook, call) that is cut off, by `then` or an Interrupted. start: 0, or whatever number for other weights.
    """
    torch.manual_seed(start)
    module, batches, val = training_of(kind, slices, 0.01)
    if start:
        with torch.no_grad():
            for value in module.parameters():
                value.uniform_()
    if at:
        interrupt(module, *at, then)
    recipe = Recipe(kind, epochs, 0, keep=keep, curves=folder / "curves.csv", checkpoints=folder / "work")
    try:
        rows = fit(module, batches, val, recipe, runtime)
    except Interrupted:
        return None
    finally:
        release()
    return rows, module.model.state_dict(), (folder / "curves.csv").read_bytes()


def interrupt(module, hook, call, then):
    """Make the `call`th call of a method, from 1, do `then`, or raise."""
    method, calls = getattr(module, hook), []

    def called(*arguments):
        calls.append(None)
        if len(calls) == call and then:
            then()
        elif len(calls) == call:
            raise Interrupted
        return method(*arguments)

    setattr(module, hook, called)


def assert_same(one, other):
    assert one[0] == other[0] and one[2] == other[2]
    assert all(torch.equal(value, other[1][name]) for name, value in one[1].items())


CUTS = [("training_step", 1), ("training_step", 2), ("training_step", 4), ("validation_step", 3), ("training_step", 6)]


@pytest.mark.parametrize("keep", ["best_f2", "last"])
def test_cut_off_anywhere_and_started_from_other_weights_a_training_ends_the_same(tmp_path, slices, keep):  # noqa: F811
    whole = trained(tmp_path / "whole", "frozen", slices, keep=keep)
    for number, cut in enumerate(CUTS):
        folder = tmp_path / str(number)
        assert trained(folder, "frozen", slices, cut, keep) is None
        resumed = trained(folder, "frozen", slices, keep=keep, start=0 if cut[1] < 3 else 7)
        assert_same(whole, resumed)


@pytest.mark.parametrize("runtime", DEVICES, ids=lambda runtime: runtime.device)
@pytest.mark.parametrize("kind", ["train_cnn", "simclr", "end_to_end"])
def test_dropout_augmentation_and_optimiser_go_on_as_they_were(tmp_path, slices, kind, runtime):  # noqa: F811
    how = {"epochs": 2, "runtime": runtime}
    whole = trained(tmp_path / "whole", kind, slices, **how)
    steps = len(training_of(kind, slices, 0.01)[1])
    assert trained(tmp_path, kind, slices, ("training_step", steps + 2), **how) is None
    assert_same(whole, trained(tmp_path, kind, slices, start=7, **how))


def test_interrupted_again_and_again_a_training_goes_on_and_says_where_it_is(tmp_path, slices, capsys):  # noqa: F811
    whole = trained(tmp_path / "whole", "frozen", slices)
    for step, kept in ((1, 0), (4, 1), (3, 2), (2, 2)):  # of two an epoch, from where the last one ended
        assert trained(tmp_path, "frozen", slices, ("training_step", step)) is None
        assert len(list((tmp_path / "work").glob("*.ckpt"))) == kept
        said = f"{kept} of 3 epochs are kept; the same parameters go on from there"
        assert (said in capsys.readouterr().err) == (kept > 0)
    assert_same(whole, trained(tmp_path, "frozen", slices))
    assert "frozen goes on: 2 of 3 epochs are there already" in capsys.readouterr().out
    assert [path.name[:6] for path in sorted((tmp_path / "work").glob("*.ckpt"))] == ["000002", "000003"]


def test_a_training_that_is_whole_takes_no_step_again(tmp_path, slices, capsys):  # noqa: F811
    """Killed between its last epoch and what the stage writes: DVC has removed the curves before it starts anew."""
    whole = trained(tmp_path, "frozen", slices)
    (tmp_path / "curves.csv").unlink()
    assert_same(whole, trained(tmp_path, "frozen", slices, ("training_step", 1), start=7))
    assert "frozen goes on: 3 of 3 epochs are there already" in capsys.readouterr().out


def damage_by(flip, cut):
    """A change to a file's bytes: one bit flipped, or what lies behind a byte cut off."""

    def damage(path):
        content = bytearray(path.read_bytes())
        if cut is None:
            content[flip % len(content)] ^= 1 << flip % 8
        else:
            del content[cut % len(content) :]
        path.write_bytes(content)

    return damage


DAMAGES = st.one_of(
    st.builds(damage_by, st.integers(0, 2**20), st.none()), st.builds(damage_by, st.just(0), st.integers(0))
)


@pytest.fixture(scope="module")
def two_checkpoints(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints")
    for epoch in (1, 2, 3):
        CheckedFiles().save_checkpoint({"weights": torch.arange(9.0) * epoch}, folder / f"{epoch:06d}")
    return folder


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damage=DAMAGES, again=DAMAGES)
def test_a_torn_or_flipped_checkpoint_is_never_used(two_checkpoints, tmp_path, damage, again):
    folder = tmp_path / "damaged"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(two_checkpoints, folder)
    second, third = sorted(folder.iterdir())
    assert latest(folder) == third
    damage(third)
    assert latest(folder) == second
    again(second)
    assert latest(folder) is None
    assert list(folder.iterdir()) == []


def test_with_a_damaged_checkpoint_the_epoch_before_it_counts(tmp_path, slices, capsys):  # noqa: F811
    whole = trained(tmp_path / "whole", "frozen", slices)
    assert trained(tmp_path, "frozen", slices, ("training_step", 6)) is None
    last = max((tmp_path / "work").glob("*.ckpt"))
    damage_by(last.stat().st_size // 2, None)(last)
    assert_same(whole, trained(tmp_path, "frozen", slices))
    said = capsys.readouterr()
    assert f"{last} is damaged: the epoch before it counts" in said.err
    assert "frozen goes on: 1 of 3 epochs" in said.out


CLAIM = """
import sys
from pathlib import Path

from hohoho.stage.checkpoint import claim
from hohoho.stage.stop import stoppable

with stoppable():
    claim(Path(sys.argv[1]))
    print("mine", flush=True)
    input()
"""


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL])
def test_a_second_process_at_the_same_training_waits_for_the_end_of_the_first(
    tmp_path,
    slices,  # noqa: F811
    capsys,
    monkeypatch,
    sent,
):
    words = [sys.executable, "-c", CLAIM, str(tmp_path / "work")]
    other = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert other.stdout.readline() == "mine\n"

    def ends(seconds):  # instead of a pause between two looks
        if seconds > PAUSE_S:
            other.send_signal(sent)
            other.communicate()

    monkeypatch.setattr("hohoho.stage.workspace.time.sleep", ends)
    assert trained(tmp_path, "frozen", slices)
    said = capsys.readouterr().err
    assert f"waiting for the very same training elsewhere (PID {other.pid}); Ctrl-C to stop" in said
    killed = (
        f"frozen: its last run (PID {other.pid}) was killed; if memory ran out (exit -9), try -S frozen.batch_size=1"
    )
    assert (killed in said) == (sent == signal.SIGKILL)


def test_who_waited_for_work_that_is_whole_begins_it_anew(tmp_path, monkeypatch):
    """The first one removes its folder, the lock in it."""
    words = [sys.executable, "-c", CLAIM, str(tmp_path / "work")]
    other = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert other.stdout.readline() == "mine\n"

    def ends(seconds):
        if seconds > PAUSE_S:
            shutil.rmtree(tmp_path / "work")
            other.kill()
            other.communicate()

    monkeypatch.setattr("hohoho.stage.workspace.time.sleep", ends)
    assert claim(tmp_path / "work") is None
    assert holder("lock", tmp_path / "work") == os.getpid()
    release()


def test_when_the_work_is_whole_nothing_of_it_stays(tmp_path):
    claim(tmp_path / "train_cnn/a")
    claim(tmp_path / "train_cnn/b")
    remove_claimed()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "train_cnn/c").mkdir(parents=True)
    claim(tmp_path / "train_cnn/a")
    remove_claimed()
    assert [path.name for path in tmp_path.glob("*/*")] == ["c"]


def edit_file(name):
    with Path(name).open("a") as file:
        file.write("\n")


def edit_lock(name):
    lock = Path("dvc.lock")
    lock.write_text(
        lock.read_text().replace(
            f"path: {name}\n      hash: md5\n      md5: ", f"path: {name}\n      hash: md5\n      md5: 1"
        )
    )


OTHERS = {
    "a parameter": lambda: set_parameter(Path("params.yaml"), "loss.gamma_neg", 3),
    "the seed": lambda: set_parameter(Path("params.yaml"), "seed", 9),
    "a module": lambda: edit_file("src/hohoho/training/augment.py"),
    "the script": lambda: edit_file("stages/train_cnn.py"),
    "a table": lambda: edit_file("data/stacks/content.txt"),
    "a file more": lambda: edit_file("data/slices/more"),
    "weights to start from": lambda: edit_file("models/init/content.txt"),
    "what DVC says of the pixels": lambda: edit_lock("data/slices"),
}
SAME = {
    "a parameter of another stage": lambda: set_parameter(Path("params.yaml"), "evaluate.smoothing", True),
    "a number of threads": lambda: set_parameter(Path("params.yaml"), "runtime.threads", 1),
    "another module": lambda: edit_file("src/hohoho/models/lstm.py"),
    "a time of change": lambda: os.utime("data/stacks/content.txt", (1, 1)),
}


def folder_now(*more):
    return checkpoint_folder("train_cnn", stage_params("train_cnn"), *more)


@pytest.mark.parametrize("edit", OTHERS.values(), ids=OTHERS)
def test_another_rows_checkpoint_is_never_taken(repository, edit):  # noqa: F811
    before = folder_now()
    edit()
    assert folder_now() != before


@pytest.mark.parametrize("edit", SAME.values(), ids=SAME)
def test_what_a_training_does_not_depend_on_leaves_its_checkpoint(repository, edit):  # noqa: F811
    before = folder_now()
    edit()
    assert folder_now() == before


def test_the_precision_and_the_stage_are_part_of_the_name(repository):  # noqa: F811
    folders = [folder_now("32-true"), folder_now("bf16-mixed")]
    assert folders[0] != folders[1]
    assert folders[0].parent == repository / ".checkpoints/train_cnn"


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(1, 400), place=st.floats(0, 1, exclude_max=True))
def test_a_small_file_is_read_whole_and_a_large_one_at_both_ends(tmp_path, size, place):
    from hohoho.stage import checkpoint

    path = tmp_path / "file"
    for large, seen in ((400, {int(place * size)}), (0, {0, size - 1})):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(checkpoint, "LARGE_BYTES", large)
            patched.setattr(checkpoint, "PLACE_BYTES", min(16, size))
            path.write_bytes(bytes(size))
            before = checkpoint.fingerprint(path)
            for byte in seen:
                content = bytearray(size)
                content[byte] = 1
                path.write_bytes(content)
                assert checkpoint.fingerprint(path) != before


WHERE = """
import os
from pathlib import Path

import hohoho
from hohoho.params import stage_params
from hohoho.stage.checkpoint import checkpoint_folder
from hohoho.stage.run import run_stage


def main():
    for name in ("models/cnn", "metrics/plots"):
        Path(name).mkdir(parents=True, exist_ok=True)
    Path("metrics/plots/train_cnn.csv").write_text("epoch\\n")
    with (Path(os.environ["DVC_ROOT"]) / "at_folder").open("a") as file:
        file.write(f"{Path.cwd()} {hohoho.__file__} {checkpoint_folder('train_cnn', stage_params('train_cnn'))}\\n")


if __name__ == "__main__":
    run_stage(main)
"""


def test_a_run_in_a_copy_runs_the_copys_code_and_finds_the_checkpoint_of_where_dvc_was_started(begun):
    (begun / "stages/train_cnn.py").write_text(WHERE)
    fake.command(begun, "git commit -qam where")
    for line in ("dvc repro train_cnn", "dvc exp run --temp -f -s train_cnn"):
        ran = fake.command(begun, line)
        assert ran.returncode == 0, ran.stdout + ran.stderr
    (here, code, first), (copy, other, second) = [
        line.split() for line in (begun / "at_folder").read_text().splitlines()
    ]
    assert here == str(begun) != copy
    assert (code, other) == (f"{here}/src/hohoho/__init__.py", f"{copy}/src/hohoho/__init__.py")
    assert first == second
    assert Path(first).parent == begun / ".checkpoints/train_cnn"
