"""How the benchmarks time: contenders in turns on a machine that others use too; medians and their spread."""

import argparse
import time
from collections.abc import Callable
from importlib.util import find_spec
from statistics import median

import psutil
import torch

Clock = Callable[[], float]


def options(description: str, rounds: int) -> argparse.ArgumentParser:
    """Those of every benchmark; `clock_of` obeys them."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cpu-time", action="store_true", help="count CPU seconds, where others keep the cores busy")
    return parser


def clock_of(given: argparse.Namespace) -> Clock:
    """The clock that was asked for; sets torch's threads on the way."""
    torch.set_num_threads(given.threads)
    return cpu_seconds if given.cpu_time else time.perf_counter


def cpu_seconds() -> float:
    """That this process and its living workers have computed for, all threads together."""
    workers = psutil.Process().children(recursive=True)
    return time.process_time() + sum(sum(worker.cpu_times()[:2]) for worker in workers)


def seconds(work: Callable[[], object], clock: Clock) -> float:
    """How long one call takes."""
    start = clock()
    work()
    return clock() - start


def in_turns(contenders: dict[str, Callable], rounds: int, clock: Clock, warm_up: int = 1) -> dict[str, list[float]]:
    """Name → seconds of each round after the warm-up; every round calls each contender once."""
    times = {name: [] for name in contenders}
    for number in range(warm_up + rounds):
        for name, work in contenders.items():
            took = seconds(work, clock)
            if number >= warm_up:
                times[name].append(took)
    return times


def table(times: dict[str, list[float]], items: float, unit: str) -> str:
    """Per contender: items a second, and how many times as fast the first one is in the same round.

    Medians over the rounds, with minimum and maximum. items: of one call; unit: what they are.
    """
    first = next(iter(times))
    lines = []
    for name, taken in times.items():
        line = f"{name:44} {_spread([items / took for took in taken], ',.0f'):>26} {unit}/s"
        if name != first:
            ratios = [took / own for took, own in zip(taken, times[first], strict=True)]
            line += f"   {first} is {_spread(ratios, '.2f')} times as fast"
        lines.append(line)
    return "\n".join(lines)


def _spread(values: list[float], form: str) -> str:
    return f"{median(values):{form}} ({min(values):{form}} – {max(values):{form}})"


def installed(*packages: str) -> bool:
    """Whether optional packages are there; where one is not, how to install it is printed."""
    missing = [name for name in packages if find_spec(name) is None]
    for name in missing:
        print(f"{name}: skipped, not installed; uv sync --group benchmarks installs it")
    return not missing
