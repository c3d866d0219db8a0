"""What lies in a folder: the files that may be images, and a note on each that is not looked at."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from hohoho.errors import InputError
from hohoho.scans.scan import SKIPPED, Note


def require_layout(root: Path, names: Sequence[str], needed: str) -> None:
    """Raises InputError where `root` lacks one of `names`, and says whether a folder above or below has them all.

    needed: what data.root has to hold.
    """
    missing = [path for path in (root, *map(root.joinpath, names)) if not path.exists()]
    if missing:
        near = [
            path for path in (root.parent, *sorted(root.glob("*/"))) if all((path / name).exists() for name in names)
        ]
        hint = f". Is it data.root={near[0]}?" if near else ""
        raise InputError(f"{missing[0]} does not exist: data.root needs {needed}{hint}")


def list_files(root: Path) -> tuple[list[str], list[Note]]:
    """(paths of the files below `root` that may be images, notes on those that are not looked at), both sorted.

    Linked folders are followed, each real folder is visited once.
    """
    found, closed, visited = [], [], set()
    for folder, subfolders, names in os.walk(root, followlinks=True, onerror=closed.append):
        if (real := os.path.realpath(folder)) in visited:
            subfolders.clear()
            continue
        visited.add(real)
        subfolders.sort()
        begin = os.path.join(folder, "")  # noqa: PTH118 - many files
        found += [begin + name for name in names]
    reasons = {path: _reason_to_skip(path) for path in found}
    reasons |= {error.filename: "unreadable_folder" for error in closed}
    notes = [Note(SKIPPED, reason, item=path) for path, reason in sorted(reasons.items()) if reason]
    return sorted(path for path, reason in reasons.items() if not reason), notes


def list_folder(folder: Path, notes: list[Note]) -> list[str]:
    """Paths of what lies in one folder, sorted; what is not looked at, even the folder itself, is added to `notes`."""
    try:
        paths = sorted(map(str, folder.iterdir()))
    except OSError:
        notes.append(Note(SKIPPED, "unreadable_folder", item=str(folder)))
        return []
    reasons = {path: _reason_to_skip(path) for path in paths}
    notes += [Note(SKIPPED, reason, item=path) for path, reason in reasons.items() if reason]
    return [path for path in paths if not reasons[path]]


def numbered_files(folder: Path, pattern: re.Pattern, notes: list[Note]) -> list[tuple[int, str]]:
    """(number, path) of the files of a folder, in the order of their numbers.

    pattern: of the whole name; its group 1 is the number, which files to pass over lack. Files of other names become
    `notes`.
    """
    matches = {path: pattern.fullmatch(path.rpartition(os.sep)[2]) for path in list_folder(folder, notes)}
    notes += [Note(SKIPPED, "no_number_in_name", item=path) for path, name in matches.items() if not name]
    return sorted((int(name[1]), path) for path, name in matches.items() if name and name[1])


def _reason_to_skip(path):
    """Why the name of a file alone keeps it out, None where it does not."""
    if path.rpartition(os.sep)[2].startswith("."):
        return "hidden_file"
    try:
        path.encode()
    except UnicodeEncodeError:  # bytes that are no UTF-8 stand in a path as lone surrogates
        return "name_not_utf8"
    return None
