"""A CSV of labels as text, row by row, so that what is wrong in it can be named by its line."""

import csv
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd

from hohoho.errors import InputError
from hohoho.scans.scan import REPAIRED, Note

SHOWN_LINES = 10
MOST_BYTES = 2**30  # nine times the label file of RSNA 2019, the largest there is
LONGEST_LINE = 2**16  # bytes
PIECE = 2**20  # bytes read at a time
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
LARGEST_KEY = 10**12
# What an error may quote of a cell: any other text, or a longer number, could be the name or the number of a patient.
QUOTABLE = re.compile(r"[-+.,\d]{1,4}|nan|na|n/a|none|null|inf|true|false|yes|no", re.IGNORECASE | re.ASCII)


def read_rows(path: Path, columns: Sequence[str], needed: str) -> pd.DataFrame:
    """All cells as text, "" where empty. needed: what the file should hold, for the errors.

    Raises InputError where there is no such file, or it is no CSV with rows and these columns.
    """
    if not Path(path).is_file():
        raise InputError(f"{path} does not exist: it must be the CSV of labels")
    _check_bounds(Path(path))
    try:
        rows = pd.read_csv(path, dtype="str", na_filter=False, skipinitialspace=True)
    except ValueError as error:  # parser errors and bad encodings
        raise InputError(f"{path}: cannot be read as a CSV ({str(error).splitlines()[0]}). {needed}") from None
    if rows.empty:
        raise InputError(f"{path}: no rows of labels below its first line. {needed}")
    if not isinstance(rows.index, pd.RangeIndex):  # pandas takes surplus cells for names of the rows, and shifts all
        raise InputError(f"{path}: its rows have more cells than its first line has names. Commas part the cells.")
    rows = rows.rename(columns=str.strip)
    if missing := [name for name in columns if name not in rows]:
        raise InputError(f"{path}: no column {', '.join(missing)}. {needed} Commas part the cells.")
    if twice := [name for name in columns if f"{name}.1" in rows]:  # so pandas calls the second one
        raise InputError(f"{path}: several columns {', '.join(twice)}")
    return rows


def _check_bounds(path: Path) -> None:
    """Raises InputError where a file is no text of lines that a label could fill, before it is parsed."""
    if path.stat().st_size > MOST_BYTES:
        raise InputError(f"{path}: more than {MOST_BYTES} bytes, which is no file of labels")
    length = 0
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            if b"\0" in piece:
                raise InputError(f"{path}: zero bytes, so it is no text in UTF-8")
            first, *others = map(len, piece.split(b"\n"))
            if max(length + first, *others, 0) > LONGEST_LINE:
                raise InputError(f"{path}: a line of more than {LONGEST_LINE} bytes, which is no row of labels")
            length = others[-1] if others else length + first


def binary_labels(
    cells: pd.DataFrame, path: Path, what: str = "labels not 0 or 1", may_be_empty: bool = False
) -> pd.DataFrame:
    """0 and 1 as float32, however a program writes them ("1", " 1 ", "1.0"); NaN in rows that are empty as a whole.

    Raises InputError naming the rows with `what`, anything else; and empty rows, unless they may be empty.
    """
    values = cells.apply(_numbers)
    wrong = ~values.isin([0, 1]).to_numpy()
    if may_be_empty:
        wrong &= ~cells.apply(lambda column: column.str.strip().eq("")).to_numpy().all(axis=1, keepdims=True)
    if wrong.any():
        refuse(wrong.any(axis=1), what, path, f"{_quoted(cells.to_numpy()[wrong][0])} is neither 0 nor 1; ")
    return values.astype("float32")


def whole_numbers(cells: pd.Series, what: str, path: Path, least: int = -LARGEST_KEY) -> pd.Series:
    """Integer keys, however a program writes them ("49", "049", " 49 ", "49.0").

    Raises InputError naming the rows with `what`: no whole number, or one below `least`.
    """
    values = _numbers(cells)
    wrong = ~(values.ge(least) & values.le(LARGEST_KEY) & values.eq(values.round()))
    if wrong.any():
        refuse(wrong, what, path, f"{_quoted(cells[wrong].iloc[0])} is no whole number that can be meant; ")
    return values.astype("int64")


def one_row_each(table: pd.DataFrame, what: str, path: Path) -> tuple[pd.DataFrame, list[Note]]:
    """(the first row of each index, notes on those that repeat it). table: all rows of `path`, in their order.

    Raises InputError naming the rows that contradict the first of their index. what: a row is about, "an image".
    """
    again = table.index.duplicated()
    first, later = table[~again], table[again]
    named_again = first[first.index.isin(later.index)].loc[later.index]
    contradicts = again.copy()
    contradicts[again] = (later.fillna(-1) != named_again.fillna(-1)).any(axis=1)  # NaN is like NaN
    refuse(contradicts, f"{what} named twice with different labels", path, "rows contradict each other; ")
    return first, [Note(REPAIRED, "label_row_twice", item=name) for name in later.index]


def refuse(bad: Sequence[bool], what: str, path: Path, why: str = "") -> None:
    """Raises InputError where any row is `bad`, naming the first ten lines as an editor counts them."""
    rows = np.flatnonzero(bad)
    if len(rows):
        shown = ", ".join(map(str, _lines(path, rows[:SHOWN_LINES])))
        raise InputError(f"{path}: {why}{len(rows)} rows with {what}: lines {shown}")


def _lines(path: Path, rows: Sequence[int]) -> list[int]:
    """The lines on which rows begin, behind empty lines and line breaks in quotes as well."""
    lines, wanted, last, row, end = [], set(rows), max(rows), -1, 0  # the header is row -1
    with Path(path).open(encoding="utf-8", errors="replace", newline="") as file, suppress(csv.Error):
        reader = csv.reader(file, skipinitialspace=True)
        for cells in reader:
            begin, end = end + 1, reader.line_num
            if cells:
                lines += [begin] if row in wanted else []
                row += 1
            if row > last:
                break
    return lines


def _numbers(cells: pd.Series) -> pd.Series:
    """float64, NaN for what is no decimal number. Each different text is parsed once."""
    codes, texts = pd.factorize(cells)
    texts = [text.strip() for text in texts]
    numbers = np.array([float(text) if NUMBER.fullmatch(text) else np.nan for text in texts])
    return pd.Series(numbers[codes], cells.index)


def _quoted(cell: str) -> str:
    """A cell as far as an error may show it."""
    text = cell.strip()
    if not text:
        return "an empty cell"
    return f'"{text}"' if QUOTABLE.fullmatch(text) else "other text"
