"""Training by Lightning: the one `fit`, and what all trainings share."""

import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader
from torchmetrics.classification import MultilabelAveragePrecision, MultilabelFBetaScore

from hohoho.labels import LABELS
from hohoho.params import Record
from hohoho.training.callbacks import BEST, Curves, EpochSeed, KeptWeights
from hohoho.training.checkpoint import CheckedFiles, EveryEpoch
from hohoho.training.faults import Place, Watch, in_words, require_finite
from hohoho.training.progress import Progress

torch.utils.deterministic.fill_uninitialized_memory = False  # a search for bugs that costs a tenth of every step
logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)  # its hints and advertisements at every start
warnings.filterwarnings("ignore", message=".*LeafSpec.*")  # Lightning's own use of torch, nothing to mend here
warnings.filterwarnings("ignore", message=".*positive samples found.*")  # of a class; its average precision is left out
warnings.filterwarnings("ignore", message=".*have no `val_dataloader`.*")  # SimCLR is not validated


@dataclass(frozen=True)
class Recipe:
    """How to train, whatever the model.

    section: of params.yaml, for messages. precision: Lightning's name, as of `devices.resolve_precision`.
    gradient_clip: norm, 0 is off. keep: which epoch's weights stay – one of BEST, or "last". curves: CSV that grows
    with every epoch. curve_columns: their order; None is the order of logging. threshold: of validation's F2.
    checkpoints: folder, as of `checkpoint_folder`, from which an interrupted training resumes. studies: as of Place.
    """

    section: str
    epochs: int
    seed: int
    precision: str = "32-true"
    gradient_clip: float = 0.0
    keep: str = "best_f2"
    curves: Path | None = None
    curve_columns: list[str] | None = None
    threshold: float = 0.5
    checkpoints: Path | None = None
    studies: np.ndarray | None = None


def fit(module: "Training", train: DataLoader, val: DataLoader | None, recipe: Recipe, runtime: Record) -> list[dict]:
    """Train `module.model` in place; with validation, `recipe.keep` says which epoch's weights it ends with.

    runtime: as of `devices.with_device`. Returns the curves, one dict per epoch. With the same result after any number
    of interruptions. Raises NumericBreakdown at the first loss, gradient, validation output or weight that is not
    finite, and InputError where memory runs out or another process is at this training.
    """
    curves, place = Curves(recipe.curves, recipe.curve_columns), Place(recipe.studies)
    kept = KeptWeights(BEST[recipe.keep]) if val and recipe.keep in BEST else None
    always = [place, EpochSeed(recipe.seed), curves, Progress(train, val, runtime.progress)]
    saved = EveryEpoch(recipe.checkpoints, recipe.section, train.batch_size) if recipe.checkpoints else None
    trainer = lightning.Trainer(
        max_epochs=recipe.epochs,
        accelerator=runtime.device,
        devices=1,
        precision=recipe.precision,
        gradient_clip_val=recipe.gradient_clip or None,
        deterministic=True,
        callbacks=[*always, *filter(None, (kept, saved))],
        plugins=CheckedFiles(),
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        enable_checkpointing=saved is not None,
        enable_model_summary=False,
        logger=False,
    )
    module.threshold = recipe.threshold
    last = saved.resume(trainer) if saved else None
    module.train()  # Lightning keeps the mode that it finds, and a loaded model is in evaluation mode
    with in_words(recipe.section, train.batch_size, place, trainer):
        trainer.fit(module, train, val, ckpt_path=last, weights_only=True)
    if kept and kept.weights is not None:
        module.model.load_state_dict(kept.weights)
    return curves.rows


class Training(lightning.LightningModule):
    """What all trainings share: finite losses, an optimiser with a schedule, scores on validation.

    A subclass gives `predict(batch)`: outputs and targets, (slices, 5) each. loss: summed over slices and classes.
    """

    items = "slices"  # what a batch is made of
    averaged = False  # whether the loss of a batch is the mean over its slices, else their sum
    threshold = 0.5  # probability from which validation's F2 counts a slice as positive

    def __init__(self, model: nn.Module, loss: nn.Module, optimizer: Callable, schedule: Callable[[float], float]):
        super().__init__()
        self.model, self.loss, self.optimizer, self.schedule = model, loss, optimizer, schedule
        self.generator: Generator | None = None
        self.watch = Watch()
        self.f2 = MultilabelFBetaScore(beta=2.0, num_labels=len(LABELS), average="micro")
        # on the CPU: it sums by a cumsum, which on a GPU may refuse to be deterministic
        self.average_precision = MultilabelAveragePrecision(num_labels=len(LABELS), compute_on_cpu=True)

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Pictures or embeddings alone: targets and counts are asked on the CPU, which need not wait for a GPU then."""
        return batch[0].to(device, non_blocking=True), *batch[1:]

    def model_step(self, batch: Any) -> tuple[Tensor, Tensor, Tensor]:
        """The loss of a batch; outputs and targets of its labelled slices, (slices, 5) float32 each."""
        outputs, targets = self.predict(batch)
        labelled = torch.isfinite(targets).all(-1)
        if not labelled.all():
            rows = labelled.nonzero().squeeze(1)
            outputs, targets = outputs[rows.to(outputs.device, non_blocking=True)], targets[rows]
        outputs, targets = outputs.float(), targets.to(outputs.device, non_blocking=True)
        loss = self.loss(outputs, targets)
        return loss / len(targets) if self.averaged else loss, outputs, targets

    def training_step(self, batch: Any, step: int) -> Tensor:
        loss, _, targets = self.model_step(batch)
        self.watch.add("the loss", step, loss)
        self.log_loss("train_loss", loss, len(targets))
        return loss

    def validation_step(self, batch: Any, _) -> None:
        loss, outputs, targets = self.model_step(batch)
        require_finite("the outputs on validation", outputs)
        self.log_loss("val_loss", loss, len(targets))
        probabilities = outputs.sigmoid()
        # torchmetrics would take a probability on the threshold for negative; `evaluate` does not
        self.f2.update((probabilities >= self.threshold).int(), targets)
        self.average_precision.update(probabilities, targets.int())
        self.log_dict({"val_f2": self.f2, "val_average_precision": self.average_precision})

    def on_train_batch_end(self, *_) -> None:
        if self.trainer.is_last_batch:
            self.watch.look()

    def on_train_epoch_end(self) -> None:
        require_finite("the weights", *self.model.state_dict().values())

    def log_loss(self, name: str, loss: Tensor, slices: int) -> None:
        """Log the loss per slice, as its mean over the epoch."""
        items = 1 if self.averaged else slices
        self.log(name, loss.detach() / items, on_step=False, on_epoch=True, batch_size=items)

    def configure_gradient_clipping(self, optimizer, gradient_clip_val=None, gradient_clip_algorithm=None):
        """By norm. Lightning's own would refuse a fused optimizer in bf16-mixed, where no gradient is scaled."""
        norm = nn.utils.get_total_norm([p.grad for p in self.parameters() if p.grad is not None])
        if self.trainer.precision != "16-mixed":  # there the scaler skips such a step
            self.watch.add("the gradient", self.trainer.fit_loop.batch_idx, norm)
        if gradient_clip_val:
            nn.utils.clip_grads_with_norm_(self.parameters(), gradient_clip_val, norm)

    def configure_optimizers(self):
        optimizer = self.optimizer(self.parameters())
        steps = self.trainer.estimated_stepping_batches
        scheduler = LambdaLR(optimizer, lambda step: self.schedule(step / steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}
