"""Files that are whole or absent: written under a temporary name in the same folder, flushed, then renamed."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # half a second of every stage and command otherwise, also where no table is written
    import pandas as pd

ROW_GROUP = 1024  # rows of a table: the writer holds a group in memory, not the table once more


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield the temporary path to write to; on success it becomes `path`, on failure nothing stays behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """Write JSON, keys in the given order; NaN is refused."""
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")


def write_csv(path: Path, table: "pd.DataFrame") -> None:
    """Write a table as CSV without its index."""
    with atomic(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


def write_parquet(path: Path, table: "pd.DataFrame") -> None:
    """Write a table as Parquet without its index."""
    with atomic(path) as temporary:
        table.to_parquet(temporary, index=False, row_group_size=ROW_GROUP)
