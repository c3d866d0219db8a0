"""This repository with stages that only hash their inputs, so that all seven run in seconds; the rest is real.

But dvc.yaml names the source code as one folder: DVC reads and writes dvc.lock at every stage, five times as fast then.

Each stage writes into its outputs a hash of its parameters and inputs, so the last one's score tells two runs apart. If
`halt_<stage>` is there, it adds a line to `at_<stage>` when it has read its parameters, and waits for `go_<stage>`.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
CARRIED = ("conf", "src", "dvc.yaml", "params.yaml", "published.yaml", "pyproject.toml", ".dvcignore", ".dvc/config")
CARRIED += tuple(
    f"{name}.gitignore"
    for name in ("", ".dvc/", "data/", "data/probabilities/", "metrics/", "metrics/plots/", "models/")
)
PATIENCE_S = 240  # of a wait that fails; machines are shared
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
        with (root / f"at_{stage}").open("a") as waiting:
            waiting.write(f"{Path.cwd()}\\n")
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
        else:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    (folder / "stages").mkdir()
    pipeline = yaml.safe_load((folder / "dvc.yaml").read_text())
    for stage, block in pipeline["stages"].items():
        block["deps"] = ["src/hohoho", *(dep for dep in block["deps"] if not dep.startswith("src/"))]
        (folder / f"stages/{stage}.py").write_text(STAGE)
    (folder / "dvc.yaml").write_text(yaml.safe_dump(pipeline, sort_keys=False))
    with (folder / ".gitignore").open("a") as ignored:
        ignored.write("halt_*\nat_*\ngo_*\n")
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


def wait_at(folder: Path, stage: str, runs: int = 1) -> None:
    """Until `stage` has read its parameters, in so many runs of the folder and its copies."""
    at = folder / f"at_{stage}"

    def here() -> int:
        return len(at.read_text().splitlines()) if at.exists() else 0

    try:
        wait_until(lambda: here() >= runs, f"{runs} × {stage}")
    except AssertionError as error:
        raise AssertionError(f"{error}, came {here()}\n{queue_says(folder)}") from None


def queue_says(folder: Path) -> str:
    """What DVC's queue knows of its runs, and the end of what each has said."""
    logs = sorted((folder / ".dvc/tmp/exps/run").glob("*/*.out"))
    ends = [f"--- {path.name}\n{path.read_text(errors='replace')[-2000:]}" for path in logs]
    return "\n".join([command(folder, "dvc queue status").stdout, *ends])


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Until `condition` holds; fails, naming `what` it was, after PATIENCE_S."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.02)


def release(folder: Path, stage: str) -> None:
    """Let `stage` go on, now and in later runs."""
    (folder / f"halt_{stage}").unlink(missing_ok=True)
    (folder / f"go_{stage}").touch()


def ended(process: subprocess.Popen) -> str:
    """Everything that a process said; fails where it does not end well."""
    said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said
    return said


def finished(run: Path, folder: Path) -> Path:
    """A copy in `folder` of a repository that has been run, with everything committed."""
    shutil.copytree(run, folder, ignore=shutil.ignore_patterns("tmp", "costs"))
    return committed(folder)


def begun(run: Path, folder: Path) -> Path:
    """The same, as if the stages from train_cnn on had never run."""
    shutil.copytree(run, folder, ignore=shutil.ignore_patterns("tmp", "costs", "runs"))
    lock = yaml.safe_load((folder / "dvc.lock").read_text())
    for stage in ("train_cnn", "embed", "train_lstm", "evaluate"):
        for out in lock["stages"].pop(stage)["outs"]:
            path = folder / out["path"]
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (folder / "dvc.lock").write_text(yaml.safe_dump(lock))
    return committed(folder)


def committed(folder: Path) -> Path:
    """The repository, with everything in it committed."""
    for line in ("git add -A", "git commit -q -m run"):
        assert command(folder, line).returncode == 0
    return folder


def experiments(folder: Path) -> dict[str, tuple[str, float]]:
    """Experiment → the commit that it belongs to, and its test F2, by the references in which DVC keeps it."""
    refs = command(folder, "git for-each-ref --format=%(refname) refs/exps/*/*/*").stdout.split()
    scores = {ref: json.loads(command(folder, f"git show {ref}:metrics/scores.json").stdout) for ref in refs}
    return {Path(ref).name: ("".join(ref.split("/")[2:4]), score["f2"]["test"]) for ref, score in scores.items()}


def scores(folder: Path) -> dict[str, float]:
    """Experiment → test F2."""
    return {name: score for name, (_, score) in experiments(folder).items()}
