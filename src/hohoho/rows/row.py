"""The 34 rows of the poster's six tables: their names, settings and published F2."""

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import yaml

from hohoho.errors import InputError

PUBLISHED = Path("published.yaml")
TABLES = range(1, 7)


class Row(NamedTuple):
    """One column of settings with its published scores."""

    name: str  # of conf/row/<name>.yaml
    table: int
    column: int  # as printed, from 1; table 1's gray and stacked rows share theirs
    group: str  # the printed block of lines: Gray, Stacked, Best
    settings: dict[str, str | float]
    f2: dict[str, float | None]  # train, val, test; None where the poster prints "-"

    def described(self) -> str:
        """The settings on one line, as published.yaml words them."""
        parts = [value if isinstance(value, str) else f"{name} {value}" for name, value in self.settings.items()]
        return ", ".join([self.group, *parts])


def read_rows(path: Path = PUBLISHED) -> list[Row]:
    """All rows, in the poster's order."""
    rows = _published(path)["rows"]
    return [Row(name, **row["printed"], settings=row["settings"], f2=row["f2"]) for name, row in rows.items()]


def read_titles(path: Path = PUBLISHED) -> dict[int, str]:
    """What each table is about."""
    return _published(path)["titles"]


def _published(path: Path) -> dict:
    if not path.is_file():
        raise InputError(f"{path.absolute()} missing: run this in the repository's root folder")
    return yaml.safe_load(path.read_text())


def rows_named(rows: list[Row], names: Iterable[str]) -> list[Row]:
    """The rows of these names (an experiment's name, with "-" for "_", will do), each once.

    Raises `InputError` that lists every unknown name with the nearest known one.
    """
    known = {row.name: row for row in rows}
    wanted = list(dict.fromkeys(name.replace("-", "_") for name in names))
    unknown = []
    for name in wanted:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            unknown.append(f"{name}; did you mean {near[0]}?" if near else name)
    if unknown:
        raise InputError("no such row (see `hohoho rows`):\n  " + "\n  ".join(unknown))
    return [known[name] for name in wanted]


def rows_of(rows: list[Row], table: int) -> list[Row]:
    """The rows of one table."""
    return [row for row in rows if row.table == table]
