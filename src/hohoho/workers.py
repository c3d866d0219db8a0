"""A pool of worker processes that gives its results in the order of its tasks, with few of them in memory."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice

IN_FLIGHT = 3  # chunks a worker may be ahead: enough to keep it busy, few enough to bound the memory


def ordered_map(function: Callable, items: Iterable, workers: int, chunk: int = 1) -> Iterator:
    """Yields function(item) for every item, in order, whatever the number of workers; one worker needs no process.

    function, items and results travel between processes: the function must be importable by its name.
    """
    if workers <= 1:
        yield from map(function, items)
        return
    spawn = multiprocessing.get_context("spawn")  # fork would copy the threads of OpenCV and Arrow half way
    with ProcessPoolExecutor(workers, mp_context=spawn) as pool:
        chunks = iter(partial(_chunks, iter(items), chunk), [])
        running = deque(pool.submit(_apply, function, tasks) for tasks in islice(chunks, workers * IN_FLIGHT))
        while running:
            results = running.popleft().result()
            running.extend(pool.submit(_apply, function, tasks) for tasks in islice(chunks, 1))
            yield from results


def _chunks(items, size):
    return list(islice(items, size))


def _apply(function, items):
    return [function(item) for item in items]
