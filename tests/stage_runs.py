"""Real stages in this process: torch is loaded once for all of them."""

import runpy
from pathlib import Path

import pytest
import yaml
from dvc.utils.hydra import load_hydra_plugins
from fake_pipeline import ROOT

from hohoho.rows.composition import compose

STAGES = list(yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"])

load_hydra_plugins(str(ROOT / "conf/plugins"))  # Hydra looks once a process; a test's tiny repository must not be first


def linked(folder: Path) -> Path:
    """A new folder in which stages can run: this repository's code, without data."""
    folder.mkdir()
    for name in ("conf", "dvc.yaml", "src"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def run_stages(folder: Path, monkeypatch: pytest.MonkeyPatch, overrides: list[str], stages: list[str] = STAGES) -> None:
    """Compose the parameters and run the stages on them, in `folder`, where the test then is."""
    monkeypatch.chdir(ROOT)
    compose(folder / "params.yaml", overrides)
    monkeypatch.chdir(folder)
    for stage in stages:
        monkeypatch.setenv("DVC_STAGE", stage)
        runpy.run_path(str(ROOT / f"stages/{stage}.py"), run_name="__main__")
