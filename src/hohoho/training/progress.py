"""How far a training is, and what it will cost."""

import math
import sys
import time

import numpy as np
import psutil
import torch
from lightning.pytorch.callbacks import Callback
from torch.utils.data import DataLoader
from tqdm import tqdm

from hohoho.ranks import ranks
from hohoho.stage.costs import peak_memory_mb

WARM_UP_BATCHES, TIMED_BATCHES = 3, 10  # the first batches also load libraries and choose algorithms
BUSY_CORES = 0.5  # of other programs, from which a training in bf16 on a CPU is told of them
VALIDATION_SHARE = 1 / 3  # of what a training item costs: forward without backward


class Progress(Callback):
    """What the training will cost, told after the first batches, and one bar over all epochs that agrees with it.

    Both count work in training items: one of validation costs VALIDATION_SHARE of it.
    """

    def __init__(self, train: DataLoader, val: DataLoader | None, bar: bool):
        self.train_items, self.val_items = len(train.dataset), len(val.dataset) if val else 0
        self.shown, self.done, self.times = bar, 0.0, []

    def on_train_start(self, trainer, module):
        epoch = self.train_items + VALIDATION_SHARE * self.val_items
        self.total, self.done = (
            trainer.max_epochs * epoch,
            trainer.current_epoch * epoch,
        )  # done: where this one resumes
        self.batches = min(WARM_UP_BATCHES + TIMED_BATCHES, trainer.estimated_stepping_batches - trainer.global_step)
        self.busy_before = busy_seconds()
        form = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"
        shown = {"disable": not (self.shown and trainer.is_global_zero), "mininterval": 1.0, "bar_format": form}
        self.bar = tqdm(desc="train", total=self.total, initial=self.done, **shown)

    def on_train_batch_end(self, trainer, module, *_):
        self._advance(self.train_items / trainer.num_training_batches)
        if len(self.times) < self.batches:
            if module.device.type == "cuda":
                torch.cuda.synchronize()  # else the time that it takes to ask for the work
            self.times.append(time.perf_counter())
            if len(self.times) == self.batches and trainer.is_global_zero:
                self._tell(trainer, module)

    def on_validation_batch_end(self, trainer, module, *_):
        self._advance(VALIDATION_SHARE * self.val_items / trainer.num_val_batches[0])

    def on_train_epoch_end(self, trainer, module):
        shown = {name: f"{float(value):.3f}" for name, value in trainer.callback_metrics.items()}
        self.bar.set_postfix({"epoch": trainer.current_epoch + 1, **shown})

    def on_train_end(self, trainer, module):
        self.bar.close()

    def _advance(self, work: float) -> None:
        self.done += work
        self.bar.update(min(work, self.total - self.bar.n))  # rounding must not carry it past its end

    def _tell(self, trainer, module) -> None:
        """The line: how much there is to do, in what, how long it will take, and the memory in use."""
        timed = np.diff(self.times[WARM_UP_BATCHES - 1 :]) if len(self.times) > WARM_UP_BATCHES else [math.nan]
        seconds = float(np.median(timed)) * (self.total - self.done) / (self.train_items / trainer.num_training_batches)
        if module.device.type == "cuda":
            device = torch.cuda.get_device_name()
            memory = f"{torch.cuda.max_memory_allocated() / 1e9:.1f} GB of GPU memory"
        else:
            device = f"cpu ({torch.get_num_threads()} threads)"
            memory = f"{peak_memory_mb() / 1e3:.1f} GB of memory"
        tqdm.write(
            f"{self.train_items:,} {module.items} × {trainer.max_epochs} epochs in {trainer.precision} on "
            f"{f'{ranks()} × ' if ranks() > 1 else ''}{device}: about {_duration(seconds)} to go, {memory}",
            file=sys.stderr,
        )
        others = others_cores(self.busy_before, busy_seconds())
        spins = module.device.type == "cpu" and trainer.precision == "bf16-mixed" and torch.get_num_threads() > 1
        if spins and others > BUSY_CORES:
            advice = "threads in bf16-mixed then wait for each other most of the time; -S runtime.threads=1 is faster"
            tqdm.write(f"other programs keep {others:.1f} cores busy: {advice}", file=sys.stderr)


def busy_seconds() -> tuple[float, float, float]:
    """(now, seconds that all cores have worked, seconds that they have worked for this process), since some start."""
    whole, own = psutil.cpu_times(), psutil.Process().cpu_times()
    return time.perf_counter(), whole.user + whole.nice + whole.system, own.user + own.system


def others_cores(before: tuple[float, float, float], after: tuple[float, float, float]) -> float:
    """How many cores other processes have kept busy between two `busy_seconds`."""
    seconds, whole, own = (end - start for start, end in zip(before, after, strict=True))
    return (whole - own) / seconds


def _duration(seconds: float) -> str:
    if math.isnan(seconds):
        return "a moment"
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.0f} s"
