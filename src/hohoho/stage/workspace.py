"""Who is at work in this folder: locks that end with their process, however it ends."""

import fcntl
import json
import math
import os
import sys
import time
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from hohoho.errors import InputError
from hohoho.ranks import stage_pid

LOCKS = Path(".checkpoints/locks")
DVC_LOCKS = Path(".dvc/tmp/rwlock")  # JSON: which process of DVC's reads and writes which path
TRIES, PAUSE_S = 10, 0.1  # whoever looks who holds a lock holds it for a moment himself


@contextmanager
def locked(name: str, folder: Path = LOCKS) -> Iterator[bool]:
    """Hold the lock `name` of this folder for this process. Yields False where another process holds it.

    The file holds the PID meanwhile, of a rank that of its stage; it stays there where the process is killed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("a+") as file:
        free = any(_take(file) or time.sleep(PAUSE_S) for _ in range(TRIES))
        if free:
            file.truncate(0)
            file.write(str(stage_pid()))
            file.flush()
        try:
            yield free
        finally:
            if free:
                file.truncate(0)


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Hold the lock `name`, once nothing else is at work in this folder; says what it waits for."""
    while True:
        with locked(name) as free:
            if free:
                wait_for_others()
                yield
                return
        wait_for_others()


def wait_for_others() -> None:
    """Return when nothing else is at work in this folder; says once what it waits for."""
    wait_while(others_at_work)


def wait_while(at_work: Callable[[], str | None]) -> None:
    """Return when `at_work` names nobody; says once whom it waits for."""
    said = None
    while others := at_work():
        if others != said:
            print(f"waiting for {others}; Ctrl-C to stop", file=sys.stderr, flush=True)
        said = others
        time.sleep(1)


def _take(file) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return os.fstat(file.fileno()).st_nlink > 0  # else its last holder has removed it


def holder(name: str, folder: Path = LOCKS) -> int | None:
    """PID of the process that holds the lock `name`; None where it is free."""
    with (folder / name).open("a+") as file:
        if _take(file):
            return None
        file.seek(0)
        return int(file.read() or 0)


def others_at_work() -> str | None:
    """Who runs a stage, rows or DVC in this folder, as text: not this process, and none that it was started by.

    No record alone sees all: the list of processes shows a run of DVC between two of its stages, DVC's own locks show
    its other commands, ours a stage that runs without DVC and `hohoho rows run`. Of two runs of DVC that start together
    the younger one yields. Raises InputError where DVC's record of its locks cannot be read.
    """
    own = own_processes()
    locks = {path.name: holder(path.name) for path in LOCKS.glob("*")}
    at_work = runs_before(own, [str(Path.cwd())]) | _dvc_processes() | locks
    return ", ".join(f"{name} (PID {pid})" for name, pid in at_work.items() if pid and pid not in own) or None


def own_processes() -> set[int]:
    """PIDs of this process and of all that it was started by."""
    return {process.pid for process in [psutil.Process(), *psutil.Process().parents()]}


def runs_before(own: set[int], folders: Container[str]) -> dict[str, int]:
    """Command → PID of every `dvc repro` and `dvc exp run` in one of these folders that is older than an own one."""
    runs = {}
    for process in psutil.process_iter(["cmdline", "cwd", "create_time"]):
        name = _run_of_dvc(process.info["cmdline"] or [])
        if name and process.info["cwd"] in folders:
            runs[process.info["create_time"], process.pid] = name
    limit = min((started for started in runs if started[1] in own), default=(math.inf, 0))
    return {name: started[1] for started, name in sorted(runs.items(), reverse=True) if started < limit}


def _run_of_dvc(words: list[str]) -> str | None:
    """What a command line runs in the folder itself: "dvc repro" or "dvc exp run"; neither queued nor in a copy."""
    places = [number for number, word in enumerate(words) if Path(word).name == "dvc"]
    run = words[places[0] + 1 :] if places else []
    if {"--temp", "--queue"} & set(run):
        return None
    return "dvc repro" if run[:1] == ["repro"] else "dvc exp run" if run[:2] == ["exp", "run"] else None


def _dvc_processes() -> dict[str, int]:
    """Command → PID of every live process of DVC's that reads or writes here."""
    record = _dvc_record()
    entries = [entry for entries in record.get("read", {}).values() for entry in entries]
    entries += [entry for entry in record.get("write", {}).values() if entry]
    return {" ".join(["dvc", *entry["cmd"].split()[1:3]]): entry["pid"] for entry in entries if is_dvc(entry["pid"])}


def is_dvc(pid: int) -> bool:
    """Whether a process runs DVC."""
    try:
        return any("dvc" in Path(word).parts[-2:] for word in psutil.Process(pid).cmdline() if word)
    except psutil.Error:
        return False


def _dvc_record() -> dict:
    for _ in range(TRIES):
        try:
            return json.loads(DVC_LOCKS.read_text())
        except FileNotFoundError:
            return {}
        except ValueError:  # DVC is writing it
            time.sleep(PAUSE_S)
    raise InputError(f"{DVC_LOCKS}: not readable; where no DVC runs in this folder, remove it")
