"""Where a stage keeps its work until it is whole: outside of DVC's outputs, which DVC clears before a run.

Found by what the work depends on, in the repository that DVC was started in: a queued or `--temp` run works in a copy.
"""

import atexit
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from importlib.metadata import version
from pathlib import Path

import xxhash

import hohoho
from hohoho.params import Record, flat
from hohoho.stage.environment import code_hashes
from hohoho.stage.inputs import LOCK, is_code, read_lock, read_yaml, stage_blocks, stage_code
from hohoho.stage.workspace import holder, locked, wait_while

CHECKPOINTS = Path(".checkpoints")
LIBRARIES = ("lightly", "lightning", "numpy", "torch", "torchmetrics", "torchvision")
LARGE_BYTES, PLACES, PLACE_BYTES = 2**24, 8, 2**12  # of a large file, these places are read

claimed: list[Path] = []
locks = ExitStack()  # of what is claimed; a process that ends well leaves no PID in them, a killed one does
atexit.register(locks.close)


def checkpoint_folder(stage: str, params: Record, *more: str) -> Path:
    """`.checkpoints/<stage>/<hash of its parameters, inputs and code>`.

    params: what the work is done with, whatever params.yaml says meanwhile. more: what else the work depends on.
    """
    block = stage_blocks()[os.environ.get("DVC_STAGE", stage)]
    code = stage_code(block, hohoho.CODE_AT_START or code_hashes())
    packages = {name: version(name) for name in LIBRARIES}
    state = [flat(params), code, packages, input_data(block), more]
    digest = hashlib.sha256(json.dumps(state, sort_keys=True, default=str).encode()).hexdigest()[:32]
    return Path(os.environ.get("DVC_ROOT", ".")).absolute() / CHECKPOINTS / stage / digest


def input_data(block: Mapping) -> dict[str, list]:
    """Path → what DVC and the files say of each input of a stage; nothing that differs in a copy of the repository."""
    recorded = [out for entry in read_yaml(LOCK, read_lock).values() for out in entry.get("outs", [])]
    hashes = {out["path"]: out.get("md5") for out in recorded}
    found = {}
    for dep in (Path(dep) for dep in block["deps"] if not is_code(dep)):
        files = [path for path in sorted(dep.rglob("*")) if path.is_file()] if dep.is_dir() else [dep]
        found[str(dep)] = [hashes.get(str(dep)), [(str(path), fingerprint(path)) for path in files]]
    return found


def fingerprint(path: Path) -> str:
    """A hash of a file; of a large one, of its size and of some places: what holds no pixels is read whole."""
    size = path.stat().st_size
    digest = xxhash.xxh3_128(b"%d " % size)
    with path.open("rb") as file:
        if size <= LARGE_BYTES:
            digest.update(file.read())
        else:
            for place in range(PLACES):
                file.seek((size - PLACE_BYTES) * place // (PLACES - 1))
                digest.update(file.read(PLACE_BYTES))
    return digest.hexdigest()


def claim(folder: Path) -> int | None:
    """Make `folder` this process's own until that ends. Returns the PID of who had it before and was killed, or None.

    Waits while another process has it: two queued runs may need one training, which the second then does again.
    """
    lock = folder / "lock"
    while True:
        before = lock.read_text() if lock.exists() else ""
        if locks.enter_context(locked(lock.name, folder)):
            claimed.append(folder)
            return int(before) if before.isdigit() else None
        wait_while(lambda: at_the_same(lock))


def at_the_same(lock: Path) -> str | None:
    """Which other process is at the work that this lock is of, as text."""
    with suppress(FileNotFoundError):  # it has just ended well, and removed it
        if pid := holder(lock.name, lock.parent):
            return f"the very same training elsewhere (PID {pid})"
    return None


def release() -> None:
    """Leave what is claimed to other processes."""
    claimed.clear()
    locks.close()


def remove_claimed() -> None:
    """Remove what this process has claimed: the work is whole."""
    for folder in claimed:
        shutil.rmtree(folder, ignore_errors=True)  # what stays costs room, no result
        with suppress(OSError):  # other work lies there
            folder.parent.rmdir()
    release()
