"""What is asked of the reader of a data set, whatever its layout."""

from pathlib import Path
from typing import NamedTuple

from hohoho.workers import Workers


class Request(NamedTuple):
    """Each reader uses what its layout needs."""

    root: Path  # the folder that holds the data set
    labels: Path | None = None  # CSV of labels, where the layout brings none of its own
    max_unmatched: float = 0.0  # fraction of the labels that may lack their image
    rescale: tuple[float, float] | None = None  # slope, intercept of CT files without the tags; None: these are skipped
    kernel: str | None = None  # part of the kernel's name to prefer where a study has several series
    window_hu: tuple[float, float] | None = None  # center, width that pictures of 8 bits are taken to show
    workers: Workers = 1
    progress: bool = False
