"""Worker processes, of this machine or of a Dask cluster, whose results come in the order of their tasks."""

import gc
import multiprocessing
import os
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import islice
from threading import Thread
from typing import NamedTuple

from hohoho.errors import InputError

IN_FLIGHT = 3  # items a worker may be ahead: enough to keep it busy, few enough to bound the memory
LESS = "start again, with a smaller runtime.workers if need be"
ANSWER_S = 10  # a scheduler that is there answers at once


class Pool(NamedTuple):
    """Workers that are there."""

    executor: Executor | None  # None: the process itself
    width: int


Workers = int | str | Pool  # processes on this machine, address of a Dask scheduler ("tcp://host:8786"), or either open


def ordered_map(function: Callable, items: Iterable, workers: Workers) -> Iterator:
    """Yields function(item) for every item, in order, whatever works at it; one worker is the process itself.

    function, items and results travel between processes: the function must be importable by its name. Raises
    InputError where the cluster cannot be used.
    """
    with open_workers(workers) as (executor, width):
        if executor is None:
            yield from map(function, items)
            return
        gc.freeze()  # what is there already is not searched for garbage again and again: all workers would wait
        try:
            items = iter(items)
            running = deque(executor.submit(function, item) for item in islice(items, width * IN_FLIGHT))
            while running:
                result = running.popleft().result()
                running.extend(executor.submit(function, item) for item in islice(items, 1))
                yield result
        finally:
            gc.unfreeze()


def open_workers(workers: Workers) -> AbstractContextManager[Pool]:
    """Workers for more than one `ordered_map`, which opens its own otherwise. An open Pool stays open."""
    if isinstance(workers, Pool):
        return nullcontext(workers)
    if isinstance(workers, str):
        return _cluster(workers)
    return _processes(workers) if workers > 1 else nullcontext(Pool(None, 1))


@contextmanager
def _processes(workers: int) -> Iterator[Pool]:
    """What was not begun when the caller fails is dropped. Raises InputError where one is killed."""
    server = multiprocessing.get_context("forkserver")  # a bare fork copies the threads of OpenCV and Arrow half way
    server.set_forkserver_preload([name for name in sys.modules if name.startswith("hohoho.")])  # imported once for all
    executor = ProcessPoolExecutor(workers, mp_context=server, initializer=_begin)
    try:
        yield Pool(executor, workers)
    except BrokenProcessPool as error:
        raise InputError(f"one of {workers} workers was killed, as it happens where memory runs out: {LESS}") from error
    finally:
        executor.shutdown(cancel_futures=True)


def _begin():
    """Ends with Ctrl-C without a word, and with the parent: a killed one cannot tell its workers to go."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()


@contextmanager
def _cluster(address: str) -> Iterator[Pool]:
    """Of a Dask cluster, which repeats what a lost worker was at."""
    try:
        from distributed import Client
        from distributed.comm import get_address_host_port
    except ImportError:
        raise InputError(f"runtime.dask is {address}, but Dask is missing: `uv sync --extra cluster`") from None
    try:
        socket.create_connection(get_address_host_port(address), ANSWER_S).close()  # Dask's client tries for long
    except (OSError, ValueError) as error:  # ValueError: no address at all
        raise InputError(f"runtime.dask: no Dask scheduler answers at {address} ({error})") from None
    with Client(address, set_as_default=False) as client:
        width = sum(client.nthreads().values())
        if not width:
            raise InputError(f"runtime.dask: the scheduler at {address} has no workers: `dask worker {address}`")
        yield Pool(client.get_executor(pure=False), width)
