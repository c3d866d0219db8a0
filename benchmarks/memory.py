"""Peak memory of the CNN's training, with few and with many slices in the store: it should not grow with the store.

`uv run python benchmarks/memory.py`: a process of its own per size trains a ResNet-18 (96 px, batch 48, as `train.py`)
for some steps on stacks from the whole store, then reads all other batches. Anonymous pages (RssAnon) are sampled
before every backward pass, where activations are largest, after every step and batch. The memory map's pages
are none: they are clean and shared, and the kernel takes them back when it needs room. VmHWM, the peak of all resident
pages, counts those that it did not need to take back.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from noise_store import noise_slices

SIDE, BATCH = 96, 48


def kilobytes(name: str) -> int:
    """A line of /proc/self/status."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def peak_of(count: int, steps: int) -> str:
    """RssAnon and VmHWM at their peak, in MB."""
    import torch
    from train import CPU, cnn_training

    from hohoho.slices.batches import training_batches
    from hohoho.training.fit import Recipe, fit

    torch.set_num_threads(2)
    module, sampled = cnn_training(), []

    def sample(*_):
        sampled.append(kilobytes("RssAnon"))
        module.trainer.should_stop = len(sampled) >= 2 * steps

    module.on_before_backward = module.on_train_batch_end = sample
    with tempfile.TemporaryDirectory() as folder:
        batches = training_batches(noise_slices(Path(folder), count, SIDE), BATCH, 0)
        fit(module, batches, None, Recipe("train_cnn", 1, 0), CPU)
        for _ in batches:
            sampled.append(kilobytes("RssAnon"))
    return f"{max(sampled) / 1000:.0f} {kilobytes('VmHWM') / 1000:.0f}"


def main() -> None:
    """Print one line per size of the store, the sizes in turns."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--one-process", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one_process:
        print(peak_of(given.one_process, given.steps))
        return
    peaks = {size: [] for size in given.sizes}
    for _ in range(given.rounds):
        for size in given.sizes:
            command = [sys.executable, __file__, "--steps", str(given.steps), "--one-process", str(size)]
            last = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
            peaks[size].append([float(number) for number in last.split()])
    for column, name in enumerate(("RssAnon", "VmHWM")):
        first = np.median(peaks[given.sizes[0]], axis=0)[column]
        for size, each in peaks.items():
            values = np.array(each)[:, column]
            middle = np.median(values)
            spread = f"{middle:.0f} MB ({values.min():.0f} – {values.max():.0f})"
            print(f"{name} with {size:>7,} slices: {spread}, {middle / first:.2f} times the first")


if __name__ == "__main__":
    main()
