"""What happens at the borders of an epoch: seeds, curves, and the weights that are kept."""

import copy
import math
from pathlib import Path

import lightning
import numpy as np
import pandas as pd
from lightning.pytorch.callbacks import Callback
from torch import Generator

from hohoho.files import write_csv

BEST = {"best_f2": "val_f2", "best_average_precision": "val_average_precision"}
CURVE_COLUMNS = ["epoch", "learning_rate", "train_loss", "val_loss", *BEST.values()]


class EpochSeed(Callback):
    """Seeds every generator from (seed, epoch), behind all that a DataLoader draws as the epoch's iterator is made."""

    def __init__(self, seed: int):
        self.seed = seed

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        if batch_idx == 0:
            drawn = int(np.random.SeedSequence((self.seed, trainer.current_epoch)).generate_state(1)[0])
            lightning.seed_everything(drawn, verbose=False)
            module.generator = Generator().manual_seed(drawn)


class Curves(Callback):
    """One row per epoch of everything the module logged, and the learning rate.

    path: a CSV written anew after every epoch, for `dvc plots show` while the training runs. columns: their order.
    """

    def __init__(self, path: Path | None, columns: list[str] | None):
        self.path, self.columns, self.rows = path, columns, []

    def on_train_epoch_end(self, trainer, module):
        logged = {name: float(value) for name, value in trainer.callback_metrics.items()}
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        self.rows.append({"epoch": trainer.current_epoch + 1, "learning_rate": rate, **logged})
        self._write(trainer)

    def on_fit_start(self, trainer, module):
        if self.rows:  # of the training that this one resumes; DVC has removed its file
            self._write(trainer)

    def _write(self, trainer):
        if self.path and trainer.is_global_zero:
            write_csv(self.path, pd.DataFrame(self.rows, columns=self.columns))

    def state_dict(self):
        return {"rows": self.rows}

    def load_state_dict(self, state_dict):
        self.rows = state_dict["rows"]


class KeptWeights(Callback):
    """Keeps the weights of the epoch with the best score on validation; of equal ones, that with the lower loss there.

    So a model that never says yes is not frozen in its warm-up. An undefined score is below any.
    """

    def __init__(self, score: str):
        self.name, self.score, self.weights = score, (-math.inf, -math.inf), None

    def on_validation_end(self, trainer, module):
        score, loss = (float(trainer.callback_metrics[name]) for name in (self.name, "val_loss"))
        rank = (-1.0 if math.isnan(score) else score, -loss)
        if rank > self.score:
            self.score, self.weights = rank, copy.deepcopy(module.model.state_dict())

    def state_dict(self):
        return {"score": list(self.score), "weights": self.weights}

    def load_state_dict(self, state_dict):
        self.score, self.weights = tuple(state_dict["score"]), state_dict["weights"]
