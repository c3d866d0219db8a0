"""Why a recorded row is stale: the source files of its stages that Git finds changed since."""

import subprocess
from pathlib import Path

import pytest
from row_experiments import ROOT, ROWS, experiment

from hohoho.rows.listing import listing
from hohoho.rows.results import results
from hohoho.rows.row import rows_named
from hohoho.rows.stale import changed_code

PIPELINE = """\
stages:
  ingest: {cmd: x, deps: [stages/ingest.py, src/files.py, src/dicom]}
  train: {cmd: x, deps: [stages/train.py, src/files.py, src/fit.py, data/slices]}
"""
FILES = ("stages/ingest.py", "stages/train.py", "src/files.py", "src/dicom/reader.py", "src/fit.py", "src/check.py")


@pytest.fixture
def rev(tmp_path, monkeypatch):
    """The commit of a tiny repository in which the test runs."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    monkeypatch.chdir(tmp_path)
    commit = "git init -q; git add -A; git -c user.name=t -c user.email=t@t commit -qm t; git rev-parse HEAD"
    return subprocess.run(["bash", "-ec", commit], check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("src/files.py", ["src/files.py (ingest)"]),  # the first of the stages that use it
        ("src/dicom/reader.py", ["src/dicom/reader.py (ingest)"]),
        ("src/dicom/new.py", ["src/dicom/new.py (ingest)"]),
        ("src/fit.py", ["src/fit.py (train)"]),
        ("stages/train.py", ["stages/train.py (train)"]),
        ("src/check.py", []),  # no stage uses it
        ("src/files.py.old", []),
        ("README.md", []),
    ],
)
def test_a_file_that_a_stage_uses_is_named_with_its_first_stage(rev, path, told):
    assert changed_code(rev) == ()
    Path(path).write_text("other")
    assert list(changed_code(rev)) == told


def test_a_file_that_is_gone_is_named_and_one_that_was_put_back_is_not(rev):
    Path("src/fit.py").unlink()
    Path("src/files.py").write_text("other")
    assert changed_code(rev) == ("src/files.py (ingest)", "src/fit.py (train)")
    for name in ("src/fit.py", "src/files.py"):
        Path(name).write_text(name)
    assert changed_code(rev) == ()


def test_a_commit_that_git_does_not_know_says_nothing(rev, tmp_path, monkeypatch):
    assert changed_code("0" * 40) == changed_code("") == ()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path.parent)
    assert changed_code(rev) == ()


def test_the_list_names_parameters_and_files(monkeypatch):
    monkeypatch.chdir(ROOT)
    row, run = rows_named(ROWS, ["table2_c5"]), experiment("table2_c5", train_cnn={"epochs": 99})
    result = results(row, [run])[0]._replace(code=("a.py (embed)", "b.py (embed)", "c.py (evaluate)"))
    assert listing([result])["stale because"][0] == "train_cnn.epochs=99, a.py (embed), b.py (embed), and 1 more"
