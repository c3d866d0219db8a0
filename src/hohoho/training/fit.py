"""Training by Lightning: the one `fit`, and what all trainings share."""

import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import lightning
import torch
from torch import Generator, Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader
from torchmetrics.functional.classification import multilabel_average_precision

from hohoho.errors import NumericBreakdown
from hohoho.labels import LABELS
from hohoho.models.devices import Devices
from hohoho.scores.f2 import micro_f2
from hohoho.training.callbacks import Curves, EpochSeed, KeptWeights
from hohoho.training.progress import Progress

BEST = {"best_f2": "val_f2", "best_average_precision": "val_average_precision"}
CURVE_COLUMNS = ["epoch", "learning_rate", "train_loss", "val_loss", *BEST.values()]

torch.utils.deterministic.fill_uninitialized_memory = False  # a search for bugs that costs a tenth of every step
logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)  # its hints and advertisements at every start
warnings.filterwarnings("ignore", message=".*LeafSpec.*")  # Lightning's own use of torch, nothing to mend here
warnings.filterwarnings("ignore", message=".*positive samples found.*")  # of a class; its average precision is left out


@dataclass(frozen=True)
class Recipe:
    """How to train, whatever the model.

    section: of params.yaml, for messages. precision: Lightning's name, as of `devices.resolve_precision`.
    gradient_clip: norm, 0 is off. keep: which epoch's weights stay – one of BEST, the earlier of two that are equal, or
    "last".
    """

    section: str
    epochs: int
    seed: int
    precision: str = "32-true"
    gradient_clip: float = 0.0
    keep: str = "best_f2"


def seed_all(seed: int) -> None:
    """Seeds what draws a model's first weights."""
    lightning.seed_everything(seed, verbose=False)


def fit(
    module: lightning.LightningModule, train: DataLoader, val: DataLoader | None, recipe: Recipe, devices: Devices
) -> list[dict[str, float]]:
    """Train `module.model` in place; with validation, `recipe.keep` says which epoch's weights it ends with.

    Returns the curves, one dict per epoch. Raises NumericBreakdown at the first loss, gradient, validation output or
    weight that is not finite.
    """
    curves, kept = Curves(), KeptWeights(BEST[recipe.keep]) if val and recipe.keep in BEST else None
    callbacks = [EpochSeed(recipe.seed), curves, Progress(train, val, devices.progress), *([kept] if kept else [])]
    trainer = lightning.Trainer(
        max_epochs=recipe.epochs,
        accelerator=devices.device,
        devices=1,
        precision=recipe.precision,
        gradient_clip_val=recipe.gradient_clip or None,
        deterministic=True,
        callbacks=callbacks,
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        logger=False,
    )
    module.train()  # Lightning keeps the mode that it finds, and a loaded model is in evaluation mode
    try:
        trainer.fit(module, train, val)
        if trainer.interrupted:
            raise KeyboardInterrupt  # Lightning ends quietly; a half-trained model must not look like a whole one
        if kept and kept.weights is not None:
            module.model.load_state_dict(kept.weights)
        require_finite("the weights", *module.model.state_dict().values())
    except NumericBreakdown as broken:
        rate = trainer.optimizers[0].defaults["lr"]
        epoch, name = min(trainer.current_epoch + 1, recipe.epochs), f"{recipe.section}.learning_rate"
        raise NumericBreakdown(f"{broken} in epoch {epoch}: lower {name}, now {float(rate):g}") from None
    return curves.rows


def require_finite(what: str, *values: Tensor) -> None:
    """Raise NumericBreakdown where a value is infinite or not a number."""
    for value in values:
        if not torch.isfinite(value).all():
            kind = "NaN" if torch.isnan(value).any() else "infinite"
            raise NumericBreakdown(f"{what} became {kind}")


class Training(lightning.LightningModule):
    """What all trainings share: finite losses, an optimiser with warm-up and cosine, scores on validation."""

    items = "slices"  # what a batch is made of

    def __init__(self, model: nn.Module, loss: nn.Module, optimizer: Callable, schedule: Callable[[float], float]):
        super().__init__()
        self.model, self.loss, self.optimizer, self.schedule = model, loss, optimizer, schedule
        self.generator: Generator | None = None
        self.answers: list[tuple[Tensor, Tensor]] = []

    def logged_loss(self, loss: Tensor, items: int) -> Tensor:
        """Log the loss per item; raises NumericBreakdown where it is not finite."""
        require_finite("the loss", loss)
        self.log("train_loss", loss.detach() / items, on_step=False, on_epoch=True, batch_size=items)
        return loss

    def on_validation_epoch_end(self):
        targets, logits = (torch.cat(part).float().cpu() for part in zip(*self.answers, strict=True))
        self.answers.clear()
        require_finite("the outputs on validation", logits)
        self.log("val_f2", micro_f2(targets.numpy(), logits.double().sigmoid().numpy()))
        self.log("val_average_precision", multilabel_average_precision(logits, targets.int(), len(LABELS)))

    def configure_gradient_clipping(self, optimizer, gradient_clip_val=None, gradient_clip_algorithm=None):
        """By norm. Lightning's own would refuse a fused optimizer in bf16-mixed, where no gradient is scaled."""
        if gradient_clip_val:
            norm = nn.utils.clip_grad_norm_(self.parameters(), gradient_clip_val)
            if self.trainer.precision != "16-mixed":  # there the scaler skips such a step
                require_finite("the gradient", norm)

    def configure_optimizers(self):
        optimizer = self.optimizer(self.parameters())
        steps = self.trainer.estimated_stepping_batches
        scheduler = LambdaLR(optimizer, lambda step: self.schedule(step / steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}
