"""Where an ingest keeps its work until it is whole: outside of DVC's outputs, which DVC clears before a run."""

import fcntl
import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

from hohoho.errors import InputError
from hohoho.files import no_room

LIBRARIES = ("nibabel", "numpy", "opencv-python-headless", "pydicom")


@contextmanager
def scratch_folder(checkpoints: Path, name: str) -> Iterator[Path]:
    """The folder of the work `name`, for this process alone; it goes when the work is done, and stays if it fails.

    Raises InputError where another ingest is at work in `checkpoints`, and where there is no room for the work.
    """
    work = checkpoints.absolute() / name
    with _locked(checkpoints):
        work.mkdir(exist_ok=True)
        try:
            yield work
        except OSError as error:
            if not (why := no_room(error)):
                raise
            what = f"the store has no room ({why})"
            raise InputError(f"{what}: make some and start again, finished blocks are not read again") from error
        shutil.rmtree(work)
        with suppress(OSError):  # other work lies there
            checkpoints.rmdir()


@contextmanager
def _locked(folder):
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # ends with the process, however that ends
        except BlockingIOError:
            raise InputError(f"another ingest is at work in {folder}: wait for its end, or stop it") from None
        yield
    finally:
        os.close(descriptor)


def code_version() -> str:
    """A hash of all code at work here: another version may make other pixels of the same files."""
    contents = hashlib.sha256(repr([(name, version(name)) for name in LIBRARIES]).encode())
    for name in sorted(name for name in sys.modules if name.startswith("hohoho.")):
        path = getattr(sys.modules[name], "__file__", None)
        contents.update(name.encode() + (Path(path).read_bytes() if path else b""))
    return contents.hexdigest()[:32]
