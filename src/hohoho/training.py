"""Training by Lightning: the one `fit`, and what all trainings share."""

import copy
import logging
import warnings
from collections.abc import Callable

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback
from torch import Generator, Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader
from tqdm import tqdm

from hohoho.devices import Devices
from hohoho.metrics import micro_fbeta

BEST = "val_f2"
CURVE_COLUMNS = ["epoch", "learning_rate", "train_loss", "val_loss", "val_f2"]

logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)  # its hints and advertisements at every start
warnings.filterwarnings("ignore", message=".*LeafSpec.*")  # Lightning's own use of torch, nothing to mend here


class EpochSeed(Callback):
    """Seeds dropout and augmentation from (seed, epoch)."""

    def __init__(self, seed: int):
        self.seed = seed

    def on_train_epoch_start(self, trainer, module):
        drawn = int(np.random.SeedSequence((self.seed, trainer.current_epoch)).generate_state(1)[0])
        torch.manual_seed(drawn)
        module.generator = Generator().manual_seed(drawn)


class Curves(Callback):
    """One row per epoch of everything the module logged, and the learning rate."""

    def __init__(self):
        self.rows: list[dict[str, float]] = []

    def on_train_epoch_end(self, trainer, module):
        logged = {name: float(value) for name, value in trainer.callback_metrics.items()}
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        self.rows.append({"epoch": trainer.current_epoch + 1, "learning_rate": rate, **logged})


class Progress(Callback):
    """One bar over all epochs, with the losses and the validation F2 of the last one."""

    def on_train_start(self, trainer, module):
        self.bar = tqdm(desc="train", total=trainer.estimated_stepping_batches, unit="batch", mininterval=1.0)

    def on_train_batch_end(self, trainer, module, *_):
        self.bar.update()

    def on_train_epoch_end(self, trainer, module):
        shown = {name: f"{float(value):.3f}" for name, value in trainer.callback_metrics.items()}
        self.bar.set_postfix({"epoch": trainer.current_epoch + 1, **shown})

    def on_train_end(self, trainer, module):
        self.bar.close()


class BestWeights(Callback):
    """Keeps the weights of the epoch with the best validation F2; the earlier one of two that are equal."""

    def __init__(self):
        self.score, self.weights = -1.0, None

    def on_validation_end(self, trainer, module):
        score = float(trainer.callback_metrics[BEST])
        if score > self.score:
            self.score, self.weights = score, copy.deepcopy(module.model.state_dict())


def fit(
    module: lightning.LightningModule,
    train: DataLoader,
    val: DataLoader | None,
    epochs: int,
    seed: int,
    devices: Devices,
    precision: str = "32-true",
    gradient_clip: float = 0.0,
) -> list[dict[str, float]]:
    """Train `module.model` in place; with validation, the weights with the best validation F2 are kept.

    Returns the curves, one dict per epoch. Raises FloatingPointError at the first loss that is not finite.
    """
    curves, best = Curves(), BestWeights()
    callbacks = [EpochSeed(seed), curves, *([best] if val else []), *([Progress()] if devices.progress else [])]
    trainer = lightning.Trainer(
        max_epochs=epochs,
        accelerator=devices.accelerator,
        devices=devices.devices,
        precision=precision,
        gradient_clip_val=gradient_clip or None,
        deterministic=True,
        callbacks=callbacks,
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        logger=False,
    )
    module.train()  # Lightning keeps the mode that it finds, and a loaded model is in evaluation mode
    trainer.fit(module, train, val)
    if trainer.interrupted:
        raise KeyboardInterrupt  # Lightning ends quietly; a half-trained model must not look like a whole one
    if best.weights is not None:
        module.model.load_state_dict(best.weights)
    return curves.rows


class Training(lightning.LightningModule):
    """What all trainings share: finite losses, an optimiser with warm-up and cosine, micro F2 on validation."""

    def __init__(self, model: nn.Module, loss: nn.Module, optimizer: Callable, schedule: Callable[[float], float]):
        super().__init__()
        self.model, self.loss, self.optimizer, self.schedule = model, loss, optimizer, schedule
        self.generator: Generator | None = None
        self.answers: list[tuple[Tensor, Tensor]] = []

    def logged_loss(self, loss: Tensor, items: int) -> Tensor:
        """Log the loss per item; raises FloatingPointError where it is not finite."""
        if not torch.isfinite(loss):
            epoch = self.current_epoch + 1
            raise FloatingPointError(f"the loss became {loss.item()} in epoch {epoch}: lower the learning rate")
        self.log("train_loss", loss.detach() / items, on_step=False, on_epoch=True, batch_size=items)
        return loss

    def on_validation_epoch_end(self):
        targets, logits = (torch.cat(part).float().cpu().numpy() for part in zip(*self.answers, strict=True))
        self.answers.clear()
        self.log(BEST, micro_fbeta(targets, 1 / (1 + np.exp(-np.clip(logits, -60, 60)))), prog_bar=True)

    def configure_optimizers(self):
        optimizer = self.optimizer(self.parameters())
        steps = self.trainer.estimated_stepping_batches
        scheduler = LambdaLR(optimizer, lambda step: self.schedule(step / steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}
