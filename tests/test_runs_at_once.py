"""Queued runs, a copy and a worktree at once, typed as docs/running.md says: each experiment is its own."""

import re

import fake_pipeline as fake
import pytest
from doc_commands import blocks
from row_experiments import score_alone

LINES = [line.partition("#")[0].strip() for line in blocks("running.md", "Several runs at once")[0].splitlines()]
ROWS = re.findall(r"row=(\w+)", "\n".join(LINES))


def typed(repository):
    """Type the lines in the repository. Returns the processes that go on, and the folder of the last one."""
    folder, running = repository, []
    for line in LINES:
        if line.startswith("cd "):
            folder = (folder / line.split()[1]).resolve()
            fake.halt(folder, "train_lstm")
            assert fake.command(folder, "git commit -q --allow-empty -m other").returncode == 0
        elif "--queue" in line or not line.startswith(("dvc exp run", "dvc queue start")):
            done = fake.command(folder, line)
            assert done.returncode == 0, done.stdout + done.stderr
        else:
            running.append(fake.start(folder, line))
    return running, folder


def head(folder):
    return fake.command(folder, "git rev-parse HEAD").stdout.strip()


@pytest.fixture
def repository(fake_repository, tmp_path):
    """A repository that has been run, named as on the page; in all copies of it, train_lstm waits for the test."""
    repository = fake.finished(fake_repository, tmp_path / "hohoho")
    fake.halt(repository, "train_lstm")
    yield repository
    for folder in repository.parent.glob("*/dvc.yaml"):
        fake.release(folder.parent, "train_lstm")


def test_two_workers_a_copy_and_a_worktree_each_run_their_row_at_the_same_time(repository, tmp_path):
    running, worktree = typed(repository)
    fake.wait_at(repository, "train_lstm", len(ROWS) - 1)
    fake.wait_at(worktree, "train_lstm")
    refused = fake.command(repository, "dvc exp run -n second -S row=table3_c3")
    assert refused.returncode != 0
    assert f"dvc exp run (PID {running[-1].pid}) in another working tree" in refused.stderr, refused.stderr
    for folder in (repository, worktree):
        fake.release(folder, "train_lstm")
    for process in running:  # of the queue, all that its workers say
        fake.ended(process)
    heads = [head(repository)] * (len(ROWS) - 1) + [head(worktree)]
    expected = {row.replace("_", "-"): (at, score_alone(row, tmp_path)) for row, at in zip(ROWS, heads, strict=True)}
    assert fake.experiments(repository) == expected
    assert len({score for _, score in expected.values()}) == len(ROWS)
    assert fake.command(repository, "git status --porcelain").stdout == ""
