"""What can go wrong in a training, in words: where it was, and what to try."""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

import numpy as np
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor

from hohoho.errors import InputError, NumericBreakdown, no_memory
from hohoho.slices.store import scan_bounds

LOOK_EVERY = {"cpu": 1, "cuda": 100}  # values of `Watch`; at every look the CPU waits for the GPU
WORKER = re.compile(r"DataLoader worker \(pid(?:\(s\))? ([\d, ]+)\)")  # torch's words for one that died


class Place(Callback):
    """Where a training is. studies: pseudonym of the study of each slice in the store, for the names of slices."""

    def __init__(self, studies: np.ndarray | None):
        self.studies, self.epoch, self.loader, self.step = studies, 1, None, 0

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        self.epoch, self.loader, self.step = trainer.current_epoch + 1, trainer.train_dataloader, batch_idx

    def on_validation_batch_start(self, trainer, module, batch, batch_idx, dataloader_idx=0):
        self.loader, self.step = trainer.val_dataloaders, batch_idx

    def on_train_epoch_end(self, trainer, module):
        self.loader = None  # what is wrong from here on is no batch's fault

    def words(self, earlier_step: int | None = None) -> str:
        """Epoch, step and the slices of the batch, by study: index from the foot, as in the slice table."""
        if earlier_step is not None:
            self.step = earlier_step
        if self.loader is None:
            return f"epoch {self.epoch}"
        return f"epoch {self.epoch}, step {self.step + 1}{self._slices()}"

    def _slices(self) -> str:
        if self.studies is None:
            return ""
        batches = self.loader.batch_sampler
        batches = getattr(batches, "whole", batches)  # of all ranks: batch normalisation spreads a NaN to the others
        batch = next(islice(batches, self.step, None))  # drawn from (seed, epoch): the same again
        rows = np.sort(self.loader.dataset.store_rows(batch))
        named = [
            (self.studies[scan.start], rows[(rows >= scan.start) & (rows < scan.stop)] - scan.start)
            for scan in scan_bounds(self.studies)
        ]
        return " (slices " + "; ".join(f"{study}: {', '.join(map(str, of))}" for study, of in named if len(of)) + ")"


@contextmanager
def in_words(section: str, batch_size: int, place: Place, trainer) -> Iterator[None]:
    """Raise InputError, or NumericBreakdown, that names the place and what to try, for each fault that is known."""
    try:
        yield
    except SystemExit:
        raise KeyboardInterrupt from None  # Lightning turns Ctrl-C into an exit without a word
    except NumericBreakdown as broken:
        rate = float(trainer.optimizers[0].defaults["lr"])
        advice = f"lower {section}.learning_rate, now {rate:g}"
        where = place.words(getattr(broken, "step", None))
        raise NumericBreakdown(f"{section}: {broken} in {where}: {advice}") from None
    except (RuntimeError, MemoryError) as error:
        if no_memory(error):
            said = f"{section} ran out of memory in {place.words()}"
            raise InputError(f"{said}: try {smaller(section, batch_size)} ({error})") from error
        if dead := WORKER.search(str(error)):
            said = f"{section}: the data worker with PID {dead[1]} died in {place.words()}"
            raise InputError(f"{said}, as it happens where memory runs out; start again") from error
        raise


def smaller(section: str, batch_size: int) -> str:
    """The setting that needs less memory."""
    return f"-S {section}.batch_size={max(1, batch_size // 2)}, now {batch_size}"


class Watch:
    """Scalars of the steps of an epoch that must be finite: looked at in their step, on a GPU every so many at once."""

    def __init__(self):
        self.values, self.places = [], []

    def add(self, what: str, step: int, value: Tensor) -> None:
        """Watch one value, and `look` if it is time to."""
        self.values.append(value.detach())
        self.places.append((what, step))
        if len(self.values) >= LOOK_EVERY[value.device.type]:
            self.look()

    def look(self) -> None:
        """Raise NumericBreakdown, with its `step`, for the first value that is infinite or not a number."""
        values, places = torch.stack(self.values).tolist() if self.values else [], self.places
        self.values, self.places = [], []
        for (what, step), value in zip(places, values, strict=True):
            if not math.isfinite(value):
                broken = NumericBreakdown(f"{what} became {'NaN' if math.isnan(value) else 'infinite'}")
                broken.step = step
                raise broken


def require_finite(what: str, *values: Tensor) -> None:
    """Raise NumericBreakdown where a value is infinite or not a number."""
    for value in values:
        if not torch.isfinite(value).all():
            kind = "NaN" if torch.isnan(value).any() else "infinite"
            raise NumericBreakdown(f"{what} became {kind}")
