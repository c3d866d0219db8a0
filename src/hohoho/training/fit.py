"""Training by Lightning: the one `fit`, and what all trainings share."""

import logging
import warnings
from collections.abc import Callable
from typing import Any

import lightning
import torch
from torch import Generator, Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader
from torchmetrics.classification import MultilabelAveragePrecision, MultilabelFBetaScore

from hohoho.labels import LABELS
from hohoho.params import Record
from hohoho.ranks import Part, ranks
from hohoho.training.callbacks import BEST, Curves, EpochSeed, KeptWeights
from hohoho.training.checkpoint import CheckedFiles, EveryEpoch
from hohoho.training.faults import Place, Watch, in_words, require_finite
from hohoho.training.progress import Progress
from hohoho.training.ranks import InRank, parted, summed_over_ranks, trainer_options, whole_batch_layers
from hohoho.training.recipe import Recipe

torch.utils.deterministic.fill_uninitialized_memory = False  # a search for bugs that costs a tenth of every step
for room in ("pytorch", "fabric"):  # its hints and advertisements at every start
    logging.getLogger(f"lightning.{room}").setLevel(logging.WARNING)
warnings.filterwarnings("ignore", message=".*LeafSpec.*")  # Lightning's own use of torch, nothing to mend here
warnings.filterwarnings("ignore", message=".*positive samples found.*")  # of a class; its average precision is left out
warnings.filterwarnings("ignore", message=".*have no `val_dataloader`.*")  # SimCLR is not validated


def fit(module: "Training", train: DataLoader, val: DataLoader | None, recipe: Recipe, runtime: Record) -> list[dict]:
    """Train `module.model` in place; with validation, `recipe.keep` says which epoch's weights it ends with.

    runtime: as of `devices.with_device`. Returns the curves, one dict per epoch. With the same result after any number
    of interruptions, and in float32 the same but for rounding with any number of ranks, in each of which it runs.
    Raises NumericBreakdown at the first loss, gradient, validation output or weight that is not finite, and InputError
    where memory runs out or another process is at this training.
    """
    batch_size = train.batch_sampler.batch_size
    train, val = parted(train, recipe.section), val and parted(val, recipe.section)
    curves, place = Curves(recipe.curves, recipe.curve_columns), Place(recipe.studies)
    kept = KeptWeights(BEST[recipe.keep]) if val and recipe.keep in BEST else None
    always = [place, EpochSeed(recipe.seed), curves, Progress(train, val, runtime.progress), InRank()]
    saved = EveryEpoch(recipe.checkpoints, recipe.section, batch_size) if recipe.checkpoints else None
    trainer = lightning.Trainer(
        max_epochs=recipe.epochs,
        accelerator=runtime.device,
        **trainer_options(runtime.device),
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
    layers = whole_batch_layers(module.model, lambda: module.part, runtime.device)
    with in_words(recipe.section, batch_size, place, trainer), layers:
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
    part: Part | None = None  # of the batch, where several ranks share it

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
        return loss / max(len(targets), 1) if self.averaged else loss, outputs, targets

    def training_step(self, batch: Any, step: int) -> Tensor:
        loss, _, targets = self.model_step(batch)
        self.watch.add("the loss", step, loss)
        loss = self.log_loss("train_loss", loss, len(targets))
        return loss * ranks()  # DDP takes the mean of the ranks' gradients, and this makes it their sum

    def validation_step(self, batch: Any, _) -> None:
        loss, outputs, targets = self.model_step(batch)
        require_finite("the outputs on validation", outputs)
        self.log_loss("val_loss", loss, len(targets))
        probabilities = outputs.sigmoid()
        if len(targets):  # torchmetrics refuses none
            # torchmetrics would take a probability on the threshold for negative; `evaluate` does not
            self.f2.update((probabilities >= self.threshold).int(), targets)
        self.average_precision.update(probabilities, targets.int())
        self.log_dict({"val_f2": self.f2, "val_average_precision": self.average_precision})

    def on_train_batch_end(self, *_) -> None:
        if self.trainer.is_last_batch:
            self.watch.look()

    def on_train_epoch_end(self) -> None:
        require_finite("the weights", *self.model.state_dict().values())

    def log_loss(self, name: str, loss: Tensor, slices: int) -> Tensor:
        """Log the loss per slice, as its mean over the epoch and all ranks. Returns this rank's part of the loss.

        The parts add up to the loss of the whole batch.
        """
        if self.averaged and ranks() > 1:
            loss = loss * (slices / summed_over_ranks(slices))
        # Lightning divides the sums of weighted losses and of weights by the number of ranks, the latter in integers
        weight = 1 if self.averaged else slices * ranks()
        value = loss.detach() * ranks() / max(weight, 1)
        self.log(name, value, on_step=False, on_epoch=True, batch_size=weight, sync_dist=ranks() > 1)
        return loss

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
