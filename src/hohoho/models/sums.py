"""SHA256SUMS of a package, as `sha256sum -c` reads it: so that a file that was changed or cut off is noticed."""

import hashlib
from pathlib import Path

from hohoho.errors import InputError
from hohoho.files import atomic

SUMS = "SHA256SUMS"


def write_sums(folder: Path) -> None:
    """List every file below the folder."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    lines = [f"{_sha256(folder / name)}  {name}\n" for name in names if name != SUMS]
    with atomic(folder / SUMS) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")


def check_sums(folder: Path) -> None:
    """Raise InputError that names the first file of the list that is missing or not what it was."""
    for line in (folder / SUMS).read_text(encoding="utf-8").splitlines():
        expected, _, name = line.partition("  ")
        path = folder / name
        if not path.is_file() or _sha256(path) != expected:
            state = "is not what it was" if path.exists() else "is missing"
            raise InputError(f"{path} {state} when the package was written: fetch the package anew")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
