"""This repository with stages that only hash their inputs, so that all seven run in seconds; the rest is real.

Each stage writes into its outputs a hash of its parameters and inputs, so the last one's score tells two runs apart. It
touches `at_<stage>` when it has read its parameters, and goes on when `go_<stage>` is there, if `halt_<stage>` was.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
CARRIED = ("conf", "src", "dvc.yaml", "params.yaml", "published.yaml", "pyproject.toml", ".gitignore", ".dvcignore")
PATIENCE_S = 60
STAGE = """
import hashlib, json, os, time
from pathlib import Path

from hohoho.params import load, value_at
from hohoho.stage.run import run_stage
import yaml


def main():
    stage, root = os.environ["DVC_STAGE"], Path(os.environ["DVC_ROOT"])
    block = yaml.safe_load(Path("dvc.yaml").read_text())["stages"][stage]
    params = load()
    seen = {name: value_at(params, name) for name in block.get("params", [])}
    for dep in block["deps"]:
        if dep.startswith(("data/", "models/", "metrics/")):
            files = sorted(Path(dep).rglob("*")) if Path(dep).is_dir() else [Path(dep)]
            seen[dep] = [file.read_text() for file in files]
    if (root / f"halt_{stage}").exists():
        (root / f"at_{stage}").touch()
        while not (root / f"go_{stage}").exists():
            time.sleep(0.02)
    digest = hashlib.sha256(json.dumps(seen, sort_keys=True, default=str).encode()).hexdigest()
    score = int(digest[:6], 16) / 16**6
    for kind in ("outs", "metrics", "plots"):
        for entry in block.get(kind, []):
            path = Path(next(iter(entry)) if isinstance(entry, dict) else entry)
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.suffix:
                path.mkdir(exist_ok=True)
                path /= "content.txt"
            f2 = {"f2": {"train": score, "val": score, "test": score}}
            path.write_text(json.dumps(f2) if path.suffix == ".json" else f"{digest}\\n")


if __name__ == "__main__":
    run_stage(main)
"""


def make(folder: Path) -> Path:
    """A repository of its own in `folder`, committed, with nothing run."""
    folder.mkdir()
    for name in CARRIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif (ROOT / name).exists():
            shutil.copy(ROOT / name, folder / name)
    (folder / "stages").mkdir()
    for stage in yaml.safe_load((folder / "dvc.yaml").read_text())["stages"]:
        (folder / f"stages/{stage}.py").write_text(STAGE)
    (folder / ".dvc").mkdir()
    shutil.copy(ROOT / ".dvc/config", folder / ".dvc/config")
    with (folder / ".gitignore").open("a") as ignored:
        ignored.write("halt_*\nat_*\ngo_*\n/data/\n/models/\n/metrics/[!sp]*\n")
    command(folder, "git init -q -b main")
    command(folder, "git add -A")
    command(folder, "git -c user.name=test -c user.email=test@test commit -q -m start")
    command(folder, "git config user.name test")
    command(folder, "git config user.email test@test")
    return folder


def environment(**more) -> dict[str, str]:
    """With this Python first, as `uv run` has it."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DVC_")}
    return inherited | {"PATH": path, **more}


def command(folder: Path, line: str) -> subprocess.CompletedProcess:
    """Run a command in the repository; its output is kept."""
    return subprocess.run(line.split(), cwd=folder, env=environment(), capture_output=True, text=True)


def start(folder: Path, line: str) -> subprocess.Popen:
    """The same in the background, as from a terminal of its own: Ctrl-C works even where the tests ignore it."""
    as_a_terminal = {"start_new_session": True, "preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(line.split(), cwd=folder, env=environment(), text=True, **pipes, **as_a_terminal)


def halt(folder: Path, stage: str) -> None:
    """From now on `stage` waits, once it has read its parameters."""
    (folder / f"halt_{stage}").touch()


def wait_at(folder: Path, stage: str) -> None:
    """Until `stage` has read its parameters."""
    deadline = time.monotonic() + PATIENCE_S
    while not (folder / f"at_{stage}").exists():
        assert time.monotonic() < deadline, f"{stage} did not start"
        time.sleep(0.02)


def release(folder: Path, stage: str) -> None:
    """Let `stage` go on, now and in later runs."""
    (folder / f"halt_{stage}").unlink(missing_ok=True)
    (folder / f"go_{stage}").touch()
