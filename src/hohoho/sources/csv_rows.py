"""A CSV of labels as text, row by row, so that what is wrong in it can be named by its line."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from hohoho.errors import InputError
from hohoho.sources.csv_bounds import check_bounds

SHOWN_LINES = 10
BINARY = {"0": 0.0, "1": 1.0, "0.0": 0.0, "1.0": 1.0}


def read_rows(path: Path) -> pd.DataFrame:
    """All cells as text, "" where empty. Raises InputError where there is no such file, or it is no CSV with rows."""
    if not Path(path).is_file():
        raise InputError(f"{path} does not exist: it must be the CSV of labels")
    check_bounds(Path(path))
    try:
        rows = pd.read_csv(path, dtype="str", keep_default_na=False)
    except ValueError as error:  # pandas' parser errors and bad encodings
        raise InputError(f"{path}: cannot be read as a CSV ({error})") from None
    if rows.empty:
        raise InputError(f"{path}: no rows of labels below its first line")
    if not isinstance(rows.index, pd.RangeIndex):  # pandas takes surplus cells for names of the rows, and shifts all
        raise InputError(f"{path}: its rows have more cells than its first line has names")
    return rows


def require_columns(rows: pd.DataFrame, columns: Sequence[str], path: Path, needed: str) -> None:
    """Raises InputError naming the columns that are missing; `needed` says what the file should hold."""
    missing = [name for name in columns if name not in rows]
    if missing:
        raise InputError(f"{path}: no column {', '.join(missing)}. {needed} Commas part the cells.")


def binary(cells: pd.DataFrame) -> pd.DataFrame:
    """0 and 1 as float32, NaN for any other text."""
    return cells.apply(lambda column: column.str.strip().map(BINARY)).astype("float32")


def refuse(bad: Sequence[bool], what: str, path: Path) -> None:
    """Raises InputError where any row is `bad`, naming the first ten lines as an editor counts them."""
    lines = np.flatnonzero(bad) + 2  # line 1 is the header
    if len(lines):
        shown = ", ".join(map(str, lines[:SHOWN_LINES]))
        raise InputError(f"{path}: {len(lines)} rows with {what}: lines {shown}")
