"""Files that are whole or absent: written under a temporary name in the same folder, flushed, then renamed."""

import errno
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # half a second of every stage and command otherwise, also where no table is written
    import pandas as pd

from hohoho.errors import InputError

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
ROW_GROUP = 1024  # rows of a table: the writer holds a group in memory, not the table once more


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield the temporary path to write to; on success it becomes `path`, on failure nothing stays behind.

    Raises InputError where there is no room for it; what was at `path` before is still there then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except Exception as error:
        if why := no_room(error):
            raise InputError(
                f"{path}: no room to write it ({why}); make some and run the same command again"
            ) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def replace_folder(new: Path, out: Path) -> None:
    """Put `new` in the place of `out`; at every moment one of the two is whole."""
    old = out.with_name(f".{out.name}.old-{os.getpid()}")
    if out.exists():
        out.rename(old)
    new.rename(out)
    shutil.rmtree(old, ignore_errors=True)


def no_room(error: Exception) -> str | None:
    """Why a file could not grow, where that is what an error of any library says: the disk, a quota or a limit."""
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        return error.strerror
    said = "|".join([*map(os.strerror, NO_ROOM), r"\d requested and \d+ written"])  # the last one is NumPy's
    return str(error) if re.search(said, str(error)) else None


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
