"""Kill a tiny pipeline at random moments, run it again, and compare every byte it leaves with an undisturbed run's.

    uv run python benchmarks/kill.py FOLDER --kills 30 --terms 10 --dvc-kills 10

kills: `kill -9` of the whole process group. terms: SIGTERM to it. dvc-kills: `kill -9` of DVC alone, and the same
command at once: its stage must have ended, or the command be refused with the stage's PID. FOLDER must not exist yet.
"""

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
TINY = (
    "phantom.patients=12 phantom.size_px=64 ingest.image_size=32 split.val_fraction=0.25 split.test_fraction=0.25 "
    "simclr.enabled=true simclr.epochs=2 train_cnn.epochs=3 train_cnn.keep=best_f2 "
    "train_lstm.epochs=6 train_lstm.units=8 evaluate.figures=false runtime.workers=2 runtime.progress=false"
)
COMPARED = ("dvc.lock", "metrics/*.json", "metrics/plots/*", "models/**/*", "data/predictions.parquet")
REFUSED = re.compile(r"running here already \(PID (\d+)\)")


def main() -> None:
    """One line per trial, and how many ended identical."""
    options, failed = parsed(), 0
    chance, repository = random.Random(options.seed), clone(options.folder, options.settings)
    began = time.monotonic()
    code, said = typed(repository, options.run)
    seconds, expected = time.monotonic() - began, contents(repository)
    if code:
        sys.exit(said)
    print(f"undisturbed: {seconds:.0f} s, {len(expected)} files to compare", flush=True)
    trials = [("kill -9", kill_group(signal.SIGKILL), options.kills)]
    trials += [("SIGTERM", kill_group(signal.SIGTERM), options.terms)]
    trials += [("kill -9 of DVC alone", kill_dvc, options.dvc_kills)]
    for how, kill, count in trials:
        same = 0
        for number in range(1, count + 1):
            reset(repository)
            after = chance.uniform(0, seconds)
            first = disturbed(repository, options.run, after, kill)
            code, again, refused = restarted(repository, options.run)
            changed = different(expected, contents(repository)) if code == 0 else [f"exit code {code}"]
            same += not changed
            verdict = f"DIFFERENT: {', '.join(changed)}" if changed else "identical"
            print(f"{how} {number}/{count}{story(after, first, refused, again)}: {verdict}", flush=True)
            if changed:
                failed += 1
                (options.folder / f"failed-{failed}.txt").write_text(f"{first}\n--- again\n{again}")
        print(f"== {how}: {same} of {count} identical", flush=True)
    sys.exit(failed > 0)


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=lambda given: Path(given).absolute())
    for name, count in (("kills", 3), ("terms", 1), ("dvc-kills", 1), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=count)
    parser.add_argument("--run", default="dvc repro", help="what is killed and typed again")
    parser.add_argument("-S", dest="settings", action="append", default=[], help="a parameter of the tiny run")
    return parser.parse_args()


def clone(folder: Path, settings: list[str]) -> Path:
    """The working tree as it is, with tiny settings, as a repository of its own in which nothing has run."""
    repository = folder / "repository"
    repository.mkdir(parents=True)
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file() and name != "dvc.lock" and not name.startswith("metrics/"):
            (repository / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, repository / name)
    git = ["git init -q -b main", "git config user.email test@example.org", "git config user.name test"]
    for line in [*git, " ".join(["hohoho params", TINY, *settings]), "git add -A", "git commit -q -m tiny"]:
        code, said = typed(repository, line)
        if code:
            sys.exit(f"{line}: {said}")
    return repository


def reset(repository: Path) -> None:
    """As after `clone`: no cache, no data, no checkpoint."""
    for line in ("git checkout -q -f main", "git clean -q -ffdx"):
        subprocess.run(line.split(), cwd=repository, check=True)


@contextmanager
def started(repository: Path, line: str) -> Iterator[subprocess.Popen]:
    """A command in a group of its own, this Python first; its words go to a file, where no orphan can hold them up."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DVC_")} | {"PATH": path}
    with (repository.parent / "said.txt").open("w") as said:
        words = {"stdout": said, "stderr": subprocess.STDOUT}
        process = subprocess.Popen(line.split(), cwd=repository, env=inherited, start_new_session=True, **words)
    try:
        yield process
    except KeyboardInterrupt:
        os.killpg(process.pid, signal.SIGKILL)
        raise


def typed(repository: Path, line: str) -> tuple[int, str]:
    """Exit code and words of a command."""
    with started(repository, line) as process:
        code = process.wait()
    return code, (repository.parent / "said.txt").read_text()


def disturbed(repository: Path, line: str, after: float, kill: Callable) -> str:
    """What a command said until it was killed, `after` seconds from its start."""
    with started(repository, line) as process:
        time.sleep(after)
        kill(process)
        process.wait()
    return (repository.parent / "said.txt").read_text()


def kill_group(number: signal.Signals) -> Callable:
    """Sends a signal to all processes of a command, and waits for their end."""

    def kill(process):
        members = [member for member in psutil.process_iter() if in_group(member, process.pid)]
        os.killpg(process.pid, number)
        process.wait()
        psutil.wait_procs(members, timeout=120)

    return kill


def in_group(process: psutil.Process, group: int) -> bool:
    """Whether a process belongs to a group."""
    try:
        return os.getpgid(process.pid) == group
    except ProcessLookupError:
        return False


def kill_dvc(process: subprocess.Popen) -> None:
    """Kills the command alone, and leaves its stage."""
    process.kill()


def restarted(repository: Path, line: str) -> tuple[int, str, bool]:
    """Exit code and words of the same command again, and whether it was refused at first, because a stage ran still."""
    code, said = typed(repository, line)
    refused = REFUSED.search(said)
    if refused:
        psutil.wait_procs([psutil.Process(int(refused[1]))] if psutil.pid_exists(int(refused[1])) else [], timeout=600)
        code, said = typed(repository, line)
    return code, said, bool(refused)


def contents(repository: Path) -> dict[str, bytes]:
    """Everything that is compared."""
    paths = [path for pattern in COMPARED for path in repository.glob(pattern) if path.is_file()]
    return {str(path.relative_to(repository)): path.read_bytes() for path in paths if path.suffix != ".gitignore"}


def different(expected: dict[str, bytes], found: dict[str, bytes]) -> list[str]:
    """The files that are not the same."""
    return sorted(name for name in {*expected, *found} if expected.get(name) != found.get(name))


def story(after: float, first: str, refused: bool, again: str) -> str:
    """When and in which stage a run was killed, and what the next one said of it."""
    stages = re.findall(r"Running stage '(\w+)'", first)
    gone_on = re.findall(r"goes on: (\d+ of \d+)", again)
    parts = [f" after {after:.0f} s in {stages[-1] if stages else 'no stage'}", *["refused at first"] * refused]
    return ", ".join(parts + [f"resumed at {where}" for where in gone_on])


if __name__ == "__main__":
    main()
