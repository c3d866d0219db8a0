"""How a stage is stopped from outside: by a signal, or because DVC is gone. Its exit code asks for another run."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

import hohoho
from hohoho.ranks import is_rank
from hohoho.stage.workspace import is_dvc

REQUEUE = 75  # EX_TEMPFAIL of sysexits.h: not done, to be tried again
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)  # Ctrl-C; end of the time or of the node; SLURM's warning
GRACE_S, LOOK_EVERY_S = 30, 1


class Stopped(BaseException):
    """A signal asked this process to end. No Exception, so that nothing goes on behind it."""


@contextmanager
def stoppable() -> Iterator[None]:
    """Meanwhile a signal raises Stopped with its name, once; so does the end of the DVC that runs this stage.

    Whatever holds Stopped up, the process ends after GRACE_S. What was ignored (nohup, a background job) is still.
    """
    overdue = threading.Timer(GRACE_S, os._exit, [REQUEUE])
    overdue.daemon = True
    before = {number: signal.getsignal(number) for number in SIGNALS}
    ended = threading.Event()

    def stop(number, _):
        if not ended.is_set():  # a second signal must not disturb the end
            ended.set()
            overdue.start()
            raise Stopped(signal.Signals(number).name)

    for number in SIGNALS:
        if before[number] != signal.SIG_IGN:
            signal.signal(number, stop)
    if "DVC_STAGE" in os.environ or is_rank():
        threading.Thread(target=_end_with_dvc, args=(ended,), daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        overdue.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_with_dvc(ended: threading.Event) -> None:
    """Stop this process when the DVC that started it is gone: nobody would record what it makes.

    A shell may stand between the two. Where no DVC is above, what started this process counts; for a rank as well,
    whose stage looks after DVC.
    """
    above = [] if is_rank() else psutil.Process().parents()
    dvc = next((process for process in above if is_dvc(process.pid)), None)
    while os.getppid() == hohoho.PARENT_AT_START and (dvc is None or is_alive(dvc)):
        if ended.wait(LOOK_EVERY_S):
            return
    with suppress(OSError):  # the terminal may be gone, too
        print("DVC has ended, so this stage does as well", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGTERM)
    if not ended.wait(GRACE_S):  # the main thread waits for something outside of Python
        os._exit(REQUEUE)


def is_alive(process: psutil.Process) -> bool:
    """Whether a process works still; one that nobody has asked for its exit code does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
