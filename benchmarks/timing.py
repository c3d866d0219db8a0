"""How the benchmarks time: contenders in turns on a machine that others use too; medians and their spread."""

import time
from collections.abc import Callable
from importlib.util import find_spec
from statistics import median


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turns(contenders: dict[str, Callable[[], object]], rounds: int, warm_up: int = 1) -> dict[str, list[float]]:
    """Name → seconds of each round after the warm-up; every round calls each contender once."""
    times = {name: [] for name in contenders}
    for number in range(warm_up + rounds):
        for name, work in contenders.items():
            took = seconds(work)
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
