"""Where a stage or a command starts: with the project's own Python, its packages, in the repository's folder."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from fake_pipeline import ROOT

from hohoho.errors import InputError
from hohoho.stage.environment import wrong_packages

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
BIN = Path(sys.executable).parent
CRON = {"PATH": "/usr/bin:/bin", "HOME": "/", "SHELL": "/bin/sh"}


def test_every_pin_of_the_project_is_compared_with_what_is_installed():
    text = (ROOT / "pyproject.toml").read_text()
    assert wrong_packages(text) == []
    pins = [line for line in text.partition("\ndependencies = [")[2].partition("\n]")[0].splitlines() if line.strip()]
    everything_wrong = wrong_packages(text.replace("==", "==99."))
    assert len(everything_wrong) == len(pins) > 20
    assert wrong_packages('\ndependencies = [\n    "no-such-package==1.0",\n]') == [
        "no-such-package missing (pinned: 1.0)"
    ]


@pytest.mark.parametrize("stage", list(STAGES))
def test_another_python_says_in_one_line_what_to_do(tmp_path, stage):
    """A virtual environment without packages: the script's own imports must not be the first to fail."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    env = {"DVC_STAGE": stage, "PYTHONPATH": "src", "PATH": os.environ["PATH"]}
    bare = [tmp_path / "bare/bin/python", f"stages/{stage}.py"]
    ended = subprocess.run(bare, cwd=ROOT, env=env, capture_output=True, text=True)
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert "bare/bin/python has not the packages of this project: captum missing" in ended.stderr
    assert "uv run dvc" in ended.stderr


@pytest.mark.parametrize("environment", [{}, CRON], ids=["none", "cron"])
def test_a_stage_finds_the_projects_python_whatever_the_path(repository, environment):
    (repository / ".venv").unlink(missing_ok=True)
    (repository / ".venv").symlink_to(sys.prefix)
    ended = subprocess.run([BIN / "dvc", "repro", "-f", "-s", "stack"], env=environment, capture_output=True, text=True)
    (repository / ".venv").unlink()
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_rows_run_puts_its_own_python_first(repository):
    """Of a folder with a space in its name, by its absolute path, with no environment at all."""
    hohoho = subprocess.run([BIN / "hohoho", "rows", "run", "table2_c1"], env={}, capture_output=True, text=True)
    assert hohoho.returncode == 0, hohoho.stdout + hohoho.stderr


@pytest.mark.parametrize("command", ["rows", "rows run table2_c1", "params", "rows table 1 --out x"])
def test_in_another_folder_a_command_says_where_it_belongs(tmp_path, command):
    ended = subprocess.run([BIN / "hohoho", *command.split()], cwd=tmp_path, env={}, capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stderr.startswith("ERROR: ") and "run this in the repository's root folder" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def data_path(given):
    """What stages/ingest.py makes of a path of the user's."""
    spec = importlib.util.spec_from_file_location("stage_ingest", ROOT / "stages/ingest.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["stage_ingest"] = module
    spec.loader.exec_module(module)
    return module.data_path(given)


def test_a_relative_path_starts_at_the_repository_even_in_a_copy_of_it(tmp_path, monkeypatch):
    (tmp_path / "repository/mine/ct").mkdir(parents=True)
    (tmp_path / "copy").mkdir()
    monkeypatch.chdir(tmp_path / "copy")
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "repository"))
    assert data_path("mine/ct") == tmp_path / "repository/mine/ct"
    assert data_path(str(tmp_path / "copy")) == tmp_path / "copy"
    with pytest.raises(InputError, match=r"repository/mine/mr: no such file or folder \(from mine/mr, relative to the"):
        data_path("mine/mr")
    with pytest.raises(InputError, match=r"^/no/such: no such file or folder$"):
        data_path("/no/such")
    monkeypatch.delenv("DVC_ROOT")
    monkeypatch.chdir(tmp_path / "repository")
    assert data_path("mine/ct") == tmp_path / "repository/mine/ct"
