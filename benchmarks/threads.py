"""A training step under OpenMP's spin counts, alone and beside busy processes: what src/hohoho/__init__.py is set by.

Each setting is a process of its own, in turns; printed are slices a second of a ResNet-18 (64 x 64, float32, all cores)
and how much slower each is beside one busy process, and beside one on each core. `uv run python benchmarks/threads.py`.
"""

import argparse
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from statistics import median

SETTINGS = {"OpenMP's own, 300,000": None, "0": "0", "1,000": "1000", "10,000": "10000"}
SLICES, SIDE, WARM_UP = 48, 64, 3
BUSY = [sys.executable, "-c", "while True: pass"]


def main() -> None:
    """Print one line per setting."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--steps", type=int, default=8)
    options.add_argument("--one-process", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.one_process:
        print(slices_per_second(given.steps))
        return
    loads = {"alone": 0, "beside 1 busy": 1, "beside 1 a core": len(os.sched_getaffinity(0))}
    found = {(name, load): [] for name in SETTINGS for load in loads}
    for _ in range(given.rounds):
        for name, spin in SETTINGS.items():
            for load, count in loads.items():
                with busy_processes(count):
                    found[name, load].append(in_a_process(spin, given.steps))
    print(f"{'spin count':22} " + " ".join(f"{load:>22}" for load in loads))
    for name in SETTINGS:
        alone = median(found[name, "alone"])
        rates = [median(found[name, load]) for load in loads]
        print(f"{name:22} " + " ".join(f"{rate:12.0f} /s {alone / rate:5.1f} x" for rate in rates))


@contextmanager
def busy_processes(count: int):
    """So many processes that do nothing but count; each in a session of its own, as another program would be."""
    running = [subprocess.Popen(BUSY, start_new_session=True) for _ in range(count)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def in_a_process(spin: str | None, steps: int) -> float:
    """Slices a second of a process that was started with this spin count."""
    environment = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
    environment |= {} if spin is None else {"GOMP_SPINCOUNT": spin}
    command = [sys.executable, __file__, "--one-process", "--steps", str(steps)]
    return float(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)


def slices_per_second(steps: int) -> float:
    """The median over some steps; torch is imported here, with whatever spin count the environment has."""
    import torch
    import torchvision

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    model = torchvision.models.resnet18(num_classes=5).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    images = torch.rand(SLICES, 3, SIDE, SIDE).contiguous(memory_format=torch.channels_last)
    times = []
    for _ in range(WARM_UP + steps):
        start = time.perf_counter()
        optimizer.zero_grad()
        model(images).square().sum().backward()
        optimizer.step()
        times.append(time.perf_counter() - start)
    return SLICES / median(times[WARM_UP:])


if __name__ == "__main__":
    main()
