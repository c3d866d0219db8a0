"""One run of a stage: what it began with is what it ends with, or nothing is recorded.

DVC reads params.yaml and hashes the code when a stage has *ended*, and takes that for what the stage began with.
"""

import os
import re
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import hohoho
from hohoho.errors import InputError, no_memory
from hohoho.files import no_room
from hohoho.params import PIPELINE
from hohoho.ranks import is_rank, rank
from hohoho.stage.checkpoint import claimed, remove_claimed
from hohoho.stage.costs import STAGES, cost_table, write_cost
from hohoho.stage.environment import code_hashes
from hohoho.stage.inputs import changes, inputs, other_parameters, stage_blocks
from hohoho.stage.ranks import report
from hohoho.stage.record import write_record, write_run
from hohoho.stage.stop import REQUEUE, Stopped, stoppable
from hohoho.stage.workspace import holder, locked

WATCH_EVERY_S = 10
LOST_RANK = re.compile(r"gloo|NCCL|Connection (closed|reset)|ProcessGroup|TCPStore|Broken pipe")  # torch's words
AGAIN = "The same command (`uv run dvc repro`, `uv run dvc exp run …`) goes on from what is kept"


def run_stage(main: Callable[[], None]) -> None:
    """Run a stage: an error the user can fix ends in one message, anything else in its traceback.

    It fails where its parameters, code or inputs changed while it ran. Says and records what it cost; after the last
    stage, what all of them cost. A stage that was stopped ends with the code REQUEUE. In a rank, see `run_rank`.
    """
    stage = os.environ.get("DVC_STAGE") or Path(sys.argv[0]).stem
    if is_rank():
        run_rank(stage, main)
        return
    try:
        with stoppable(), locked(stage) as free:
            if not free:
                raise InputError(f"{stage} is running here already (PID {holder(stage)}): wait for its end, or stop it")
            run_unchanged(stage, main)
            remove_claimed()
    except Stopped as stopped:
        print(f"{stage} was stopped by {stopped}, and nothing is recorded. {AGAIN}", file=sys.stderr)
        sys.exit(REQUEUE)
    except InputError as error:
        sys.exit(f"ERROR: {error}")
    except (OSError, RuntimeError, MemoryError) as error:
        if words := in_words(stage, error):
            sys.exit(f"ERROR: {words}")
        raise
    cost = write_cost(stage)
    print(f"{stage}: {cost['seconds']} s, {cost['peak_memory_mb']} MB of memory at most")
    if "DVC_STAGE" in os.environ:  # by hand, nothing is recorded
        write_run(stage, cost)
    if stage == STAGES[-1]:
        print(cost_table())
        if "DVC_STAGE" in os.environ:
            write_record()


def in_words(stage: str, error: Exception) -> str | None:
    """What to do about an error of any library, where that is known."""
    if why := no_room(error):
        return f"{stage} has no room on the disk ({why}); make some. {AGAIN}"
    return f"{stage} ran out of memory: {error}" if no_memory(error) else None


def run_rank(stage: str, main: Callable[[], None]) -> None:
    """Run a rank's part of a stage, and report its end to the stage, which says it. Rank 0 alone prints.

    Two ends are not reported, because torchrun starts all ranks again: another rank is gone, or torchrun stops this
    one for that reason, by SIGTERM.
    """
    if rank():
        sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123 - until the end
    try:
        with stoppable():
            main()
    except Stopped as stopped:
        if str(stopped) != "SIGTERM":
            report(stopped=str(stopped))
        sys.exit(REQUEUE)
    except InputError as error:
        report(error=str(error))
        sys.exit(1)
    except Exception as error:
        if LOST_RANK.search(str(error)):
            sys.exit(f"{stage}: rank {rank()} lost another rank")
        words = in_words(stage, error)
        report(**{"error": words} if words else {"crash": f"rank {rank()}: {traceback.format_exc()}"})
        sys.exit(1)
    if rank() == 0:
        report(claimed=list(map(str, claimed)))


def run_unchanged(stage: str, main: Callable[[], None]) -> None:
    """Run `main`. Raises InputError where an input changed meanwhile, or was made with other parameters."""
    block = stage_blocks().get(stage)
    if not block:
        raise InputError(f"{PIPELINE.absolute()} has no stage {stage}: run this in the repository's root folder")
    before = inputs(stage, block, hohoho.CODE_AT_START or code_hashes())

    def changed() -> list[str]:
        return changes(before, inputs(stage, block, code_hashes()))

    other = other_parameters(stage) if "DVC_STAGE" in os.environ else []  # by hand, nothing is recorded
    if other:
        raise InputError(f"{stage} needs what other parameters made; run `dvc repro`:" + _listed(other))
    with warned(stage, changed):
        main()
    lines = changed()
    if lines:
        raise InputError(f"{stage} changed while it ran, so nothing is recorded; run it again:" + _listed(lines))


def _listed(lines: list[str]) -> str:
    return "".join(f"\n  {line}" for line in lines)


@contextmanager
def warned(stage: str, changed: Callable[[], list[str]]) -> Iterator[None]:
    """While the work goes on, warn once of a change: it can still be put back."""
    ended = threading.Event()

    def watch():
        while not ended.wait(WATCH_EVERY_S):
            lines = changed()
            if lines:
                text = f"WARNING: {stage} will fail at its end, unless this is put back before:{_listed(lines)}"
                print(f"\n{text}", file=sys.stderr, flush=True)
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
