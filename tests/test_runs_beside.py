"""Runs beside one another in one folder: each record belongs to its parameters, or there is none."""

import json
import os
import signal

import fake_pipeline as fake
import pytest
import yaml
from fake_pipeline import ended, scores
from row_experiments import score_alone

ROWS = ["table2_c1", "table3_c1"]  # of different CNNs; only one has an LSTM


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Experiment of a row → what it scores when nothing else runs."""
    return {row.replace("_", "-"): score_alone(row, tmp_path_factory.mktemp(row)) for row in ROWS}


@pytest.fixture
def repository(begun):
    return begun


def recorded_gamma(folder):
    lock = yaml.safe_load((folder / "dvc.lock").read_text())["stages"]
    return lock["train_cnn"]["params"]["params.yaml"]["loss"]["gamma_neg"] if "train_cnn" in lock else None


def edit_gamma(folder, old, new):
    """Change loss.gamma_neg in params.yaml as an editor does."""
    params = folder / "params.yaml"
    params.write_text(params.read_text().replace(f"gamma_neg: {old}", f"gamma_neg: {new}"))


def halted(folder, line, stage="train_cnn"):
    """The command, at work in a stage that waits."""
    fake.halt(folder, stage)
    process = fake.start(folder, line)
    fake.wait_at(folder, stage)
    return process


def test_nothing_of_ours_rewrites_the_parameters_under_a_run(repository):
    run = halted(repository, "dvc repro train_cnn")
    before = (repository / "params.yaml").read_text()
    for rewrite in ("hohoho params", "dvc exp run -S", "dvc exp run --queue -S"):
        refused = fake.command(repository, f"{rewrite} loss.gamma_neg=4")
        assert refused.returncode != 0
        assert "is at work in this folder" in refused.stderr + refused.stdout
        assert (repository / "params.yaml").read_text() == before
    fake.release(repository, "train_cnn")
    said, _ = run.communicate(timeout=120)
    assert recorded_gamma(repository) == (2 if run.returncode == 0 else None), said


def test_an_editor_under_a_stage_makes_it_fail_and_the_next_run_do_the_right_thing(repository):
    cnn = repository / "models/cnn/content.txt"
    run = halted(repository, "dvc repro train_cnn")
    edit_gamma(repository, 2, 4)
    fake.release(repository, "train_cnn")
    said, _ = run.communicate(timeout=120)
    assert run.returncode != 0
    assert "params.yaml: loss.gamma_neg was 2, is 4" in said
    assert recorded_gamma(repository) is None
    assert fake.command(repository, "dvc repro train_cnn").returncode == 0
    assert recorded_gamma(repository) == 4
    by_four = cnn.read_text()
    edit_gamma(repository, 4, 2)
    assert fake.command(repository, "dvc repro train_cnn").returncode == 0
    assert recorded_gamma(repository) == 2
    assert cnn.read_text() != by_four


def test_a_stash_under_a_stage_without_parameters_makes_it_fail(fake_repository, tmp_path):
    """git takes params.yaml and dvc.lock back together, so that they agree with each other, and with no run."""
    repository = fake.finished(fake_repository, tmp_path / "finished")
    run = halted(repository, "dvc exp run -n x -S loss.gamma_neg=3", "embed")
    fake.command(repository, "git stash -q")
    fake.release(repository, "embed")
    said, _ = run.communicate(timeout=120)
    assert run.returncode != 0
    assert "dvc.lock: train_cnn was changed" in said
    assert scores(repository) == {}


def test_ctrl_c_in_rows_run_leaves_the_branch_checked_out(repository):
    run = halted(repository, "hohoho rows run table2_c1")
    os.killpg(run.pid, signal.SIGINT)
    said, _ = run.communicate(timeout=120)
    assert run.returncode != 0
    assert "the same command goes on from here" in said and "Traceback" not in said
    assert fake.command(repository, "git symbolic-ref --short HEAD").stdout == "main\n"


def test_a_run_is_at_work_between_its_stages_too(repository):
    run = halted(repository, "dvc repro train_cnn")
    (repository / ".dvc/tmp/rwlock").unlink()
    for path in (repository / ".checkpoints/locks").iterdir():
        path.unlink()
    refused = fake.command(repository, "hohoho params loss.gamma_neg=4")
    assert f"dvc repro (PID {run.pid}) is at work" in refused.stderr
    fake.release(repository, "train_cnn")
    run.communicate(timeout=120)


def test_a_broken_record_of_locks_is_told_in_one_line(repository):
    (repository / ".dvc/tmp").mkdir(exist_ok=True)
    (repository / ".dvc/tmp/rwlock").write_text('{"read": ')
    refused = fake.command(repository, "hohoho params loss.gamma_neg=4")
    assert refused.returncode != 0
    assert refused.stderr.startswith("ERROR: .dvc/tmp/rwlock: not readable") and len(refused.stderr.splitlines()) == 1


def test_an_editor_between_two_stages_stops_the_second(repository):
    run = halted(repository, "dvc repro", "embed")
    edit_gamma(repository, 2, 4)
    fake.release(repository, "embed")
    said, _ = run.communicate(timeout=120)
    assert run.returncode != 0
    assert "train_cnn ran with loss.gamma_neg=2, now it is 4" in said


@pytest.mark.parametrize(
    ("first", "rows"),
    [("hohoho rows run table2_c1", ROWS), ("dvc exp run -n table2-c1 -S row=table2_c1", ROWS[:1])],
)
def test_rows_run_waits_for_what_is_at_work_already(repository, alone, first, rows):
    first = halted(repository, first)
    second = fake.start(repository, f"hohoho rows run {' '.join(rows)}")
    assert second.stdout.readline().startswith("waiting for ")
    fake.release(repository, "train_cnn")
    ended(first)
    assert "table2_c1: done already" in ended(second)
    assert scores(repository) == {name: alone[name] for name in (row.replace("_", "-") for row in rows)}


def test_an_experiment_beside_rows_run_is_refused_and_the_row_is_its_own(repository, alone):
    rows = halted(repository, f"hohoho rows run {ROWS[0]}")
    refused = fake.command(repository, "dvc exp run -n other -S row=table1_c1_stacked")
    assert refused.returncode != 0
    fake.release(repository, "train_cnn")
    ended(rows)
    name = ROWS[0].replace("_", "-")
    assert scores(repository) == {name: alone[name]}


def test_a_queue_of_two_workers_beside_rows_run(repository, alone):
    for line in ("hohoho rows run --queue table2_c1", "hohoho rows run --queue table3_c1", "dvc queue start -j 2"):
        ended(fake.start(repository, line))
    ended(fake.start(repository, "hohoho rows run table2_c1"))  # what waits in the queue can be run at once
    kept = repository / ".git/refs/exps"
    fake.wait_until(lambda: {path.name for path in kept.glob("??/*/*")} == set(alone), "both experiments")
    assert scores(repository) == alone


def test_an_experiment_whose_stages_ran_with_other_parameters_is_not_taken_for_its_row(repository):
    assert fake.command(repository, f"hohoho rows run {ROWS[0]}").returncode == 0
    reference = fake.command(repository, "git for-each-ref --format=%(refname) refs/exps/*/*/table2-c1").stdout.strip()
    fake.command(repository, "git stash -q -u")
    fake.command(repository, f"git checkout -q {reference}")
    params = repository / "params.yaml"
    params.write_text(params.read_text().replace("gamma_neg: 2", "gamma_neg: 4"))
    fake.command(repository, "git commit -q -a --amend --no-edit")
    fake.command(repository, f"git update-ref {reference} HEAD")
    fake.command(repository, "git checkout -q main")
    listed = json.loads(fake.command(repository, "hohoho rows --format json").stdout)
    row = next(row for row in listed if row["row"] == ROWS[0])
    assert not row.get("here test"), row
    again = fake.command(repository, f"hohoho rows run {ROWS[0]}")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "mixed" not in again.stderr
