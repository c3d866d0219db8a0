"""What a second rank brings: slices a second of train_cnn's own loop with one and with two gloo ranks on one CPU.

ResNet-18, 96 x 96, float32, batches of 48 slices, or what --batch says. Each run is a process of its own, or two, in
turns; printed are the medians of all rounds, their spread, and their ratios. `uv run python benchmarks/scaling.py`.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from statistics import median

SIDE, WARM_UP = 96, 3
AGENT = [sys.executable, "-m", "hohoho.stage.agent", "--standalone", "--nproc-per-node=2"]


def main() -> None:
    """Print one line per setting."""
    given = parsed()
    if given.threads:
        measure(given)
        return
    cores = len(os.sched_getaffinity(0))
    half = max(1, cores // 2)
    settings = {
        f"1 rank, {half} thread(s)": (1, half),
        f"1 rank, {cores} thread(s)": (1, cores),
        f"2 ranks, {half} thread(s) each": (2, half),
    }
    found = {name: [] for name in settings}
    for _ in range(given.rounds):
        for name, (ranks, threads) in settings.items():
            found[name].append(in_processes(ranks, threads, given))
    first, *_, last = rates = [median(found[name]) for name in settings]
    print(f"{'':28} {'slices/s':>9} {'least':>8} {'most':>8}")
    for name, rate in zip(settings, rates, strict=True):
        print(f"{name:28} {rate:9.1f} {min(found[name]):8.1f} {max(found[name]):8.1f}")
    print(f"two ranks are {last / first:.2f} x one with as many threads as each, {last / rates[1]:.2f} x one with all")


def parsed() -> argparse.Namespace:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--steps", type=int, default=10)
    options.add_argument("--batch", type=int, default=48)
    options.add_argument("--threads", type=int, help=argparse.SUPPRESS)  # of a process that measures
    return options.parse_args()


def in_processes(ranks: int, threads: int, given: argparse.Namespace) -> float:
    """Slices a second of one run."""
    work = [__file__, "--threads", str(threads), "--steps", str(given.steps), "--batch", str(given.batch)]
    environment = {"OMP_NUM_THREADS": str(threads), "TORCH_CPP_LOG_LEVEL": "ERROR", **os.environ}
    command = [sys.executable, *work]
    if ranks > 1:
        command, environment["HOHOHO_STAGE_PID"] = [*AGENT, *work], str(os.getpid())
    ran = subprocess.run(command, env=environment, capture_output=True, text=True)
    if ran.returncode:
        sys.exit(ran.stdout + ran.stderr)
    return json.loads(ran.stdout.splitlines()[-1])


def measure(given: argparse.Namespace) -> None:
    """Rank 0 prints how many slices of the whole batch a second trains, by the median step behind the first ones."""
    import hohoho  # noqa: F401, I001 - before torch, as in a stage: its threads do not spin
    import numpy as np
    import torch

    from hohoho.models.backbones import SliceClassifier, build_backbone
    from hohoho.models.losses import build_loss
    from hohoho.params import Record
    from hohoho.ranks import rank
    from hohoho.slices.batches import StackedSlices, training_batches
    from hohoho.training.augment import Augmentation
    from hohoho.training.cnn import SliceTraining, optimizer_factory
    from hohoho.training.fit import Recipe, fit
    from hohoho.training.schedule import constant

    class Pixels:
        images = np.random.default_rng(0).integers(0, 256, (given.batch * given.steps, SIDE, SIDE), dtype=np.uint8)

        def take(self, rows):
            return self.images[rows]

    torch.set_num_threads(given.threads)
    count, ends = len(Pixels.images), []
    model = SliceClassifier("resnet18", build_backbone("resnet18", 3), [0.5] * 3, [0.5] * 3, 0.5)
    how = build_loss("asymmetric", 0, 2, 0.05, None), optimizer_factory("adam", 1e-4, 1e-4), constant
    module = SliceTraining(model, *how, Augmentation(20, True, 0.1, 0.4))
    module.on_train_batch_end = lambda *_: ends.append(time.perf_counter())
    slices = StackedSlices(Pixels(), np.arange(count)[:, None].repeat(3, axis=1), np.zeros((count, 5)))
    recipe = Recipe("train_cnn", 1, 0, gradient_clip=0.1)
    fit(module, training_batches(slices, given.batch, 0), None, recipe, Record({"device": "cpu", "progress": False}))
    if rank() == 0:
        print(given.batch / median(np.diff(ends[WARM_UP - 1 :])))


if __name__ == "__main__":
    main()
