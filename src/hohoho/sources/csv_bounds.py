"""Rejects files that cannot be label CSVs (size, NUL bytes, endless lines) before they are parsed."""

from pathlib import Path

from hohoho.errors import InputError

MOST_BYTES = 2**30  # nine times the label file of RSNA 2019, the largest there is
LONGEST_LINE = 2**16  # bytes
PIECE = 2**20  # bytes read at a time


def check_bounds(path: Path) -> None:
    """Raises InputError where a file is no text of lines that a label could fill."""
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
