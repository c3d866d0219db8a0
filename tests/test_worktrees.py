"""Of the working trees of one Git repository, only one at a time runs an experiment in its folder."""

import subprocess
import sys

import pytest

from hohoho.rows import runs
from hohoho.rows.worktrees import experiment_elsewhere, is_experiment_in_the_folder

EXPERIMENT = ["dvc", "exp", "run", "-S", "row=table2_c1"]


@pytest.fixture
def at_work(tmp_path, monkeypatch):
    """Starts a process with a command line in the worktree `other` of the repository that the test runs in."""
    commit = "git -c user.name=test -c user.email=test@test commit -q --allow-empty -m start"
    script = f"git init -q here; cd here; {commit}; git worktree add -q ../other; git clone -q . ../clone"
    subprocess.run(["bash", "-ec", script], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path / "here")
    started = []

    def start(words, folder="other"):
        wait = [sys.executable, "-c", "print(flush=True); input()", *words]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        started.append(subprocess.Popen(wait, cwd=tmp_path / folder, **pipes))
        started[-1].stdout.readline()
        return started[-1].pid

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_an_experiment_in_another_working_tree_is_named(at_work):
    assert experiment_elsewhere() is None
    pid = at_work(EXPERIMENT)
    assert f"(PID {pid}) in another working tree" in experiment_elsewhere()


@pytest.mark.parametrize(
    "words", [[*EXPERIMENT, "--temp"], [*EXPERIMENT, "--queue"], ["dvc", "repro"], ["dvc", "exp", "show"]]
)
def test_what_keeps_no_record_in_the_git_repository_disturbs_nobody(at_work, words):
    at_work(words)
    assert experiment_elsewhere() is None


def test_another_clone_disturbs_nobody(at_work):
    at_work(EXPERIMENT, "clone")
    assert experiment_elsewhere() is None


def test_no_git_repository_has_no_other_working_tree(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert experiment_elsewhere() is None


def test_rows_wait_for_it_unless_they_are_queued(monkeypatch, capfd):
    looks = [None, "an experiment elsewhere"]
    monkeypatch.setattr(runs, "experiment_elsewhere", looks.pop)
    monkeypatch.setattr("hohoho.stage.workspace.time.sleep", lambda _: None)
    assert runs.run_command(["platform", "--queue"]) == 0
    assert len(looks) == 2 and "waiting" not in capfd.readouterr().err
    assert runs.run_command(["platform"]) == 0
    assert not looks and "waiting for an experiment elsewhere" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("dvc exp run", True),
        ("/usr/bin/dvc exp run -n x -S row=table2_c1", True),
        ("dvc exp run --temp", False),
        ("dvc exp run -n x --queue", False),
        ("hohoho params loss.gamma_neg=4", False),
        ("dvc exp apply x", False),
    ],
)
def test_only_a_run_in_the_folder_itself_is_refused(line, expected):
    assert is_experiment_in_the_folder(line.split()) == expected
