"""The processes that train one model together, torchrun's ranks. A process on its own is rank 0 of 1.

Standard library only. What torchrun sets for other programs does not count: a rank is what a stage of ours has started.
"""

import os
from typing import NamedTuple

STAGE_PID = "HOHOHO_STAGE_PID"  # in the environment of a rank: the PID of the stage that started it
RESTARTS = 3  # how often the ranks start again after one was killed


class Part(NamedTuple):
    """One rank's part of a batch: its items start..stop - 1 of all `total`; any number of them, also none."""

    start: int
    stop: int
    total: int


def is_rank() -> bool:
    """Whether a stage has started this process as one of its ranks."""
    return STAGE_PID in os.environ


def rank() -> int:
    """Which one this process is, from 0; rank 0 alone prints and writes."""
    return int(os.environ["RANK"]) if is_rank() else 0


def ranks() -> int:
    """How many there are, over all nodes."""
    return int(os.environ["WORLD_SIZE"]) if is_rank() else 1


def ranks_here() -> int:
    """How many there are on this machine."""
    return int(os.environ["LOCAL_WORLD_SIZE"]) if is_rank() else 1


def restarts() -> int:
    """How often the ranks of this stage have been started again."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", 0)) if is_rank() else 0


def stage_pid() -> int:
    """PID of the stage that this process is or belongs to: the one to stop."""
    return int(os.environ.get(STAGE_PID, os.getpid()))


def part_of(total: int) -> Part:
    """This rank's part of `total` items: the parts lie side by side, and differ by one at most."""
    return Part(total * rank() // ranks(), total * (rank() + 1) // ranks(), total)
