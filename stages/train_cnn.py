"""Stage train_cnn: the slice classifier."""

from functools import partial
from pathlib import Path

from hohoho.files import write_json
from hohoho.models.backbones import SliceClassifier, save_classifier
from hohoho.models.devices import resolve_precision, with_device
from hohoho.models.initial import load_initial_backbone
from hohoho.models.losses import build_loss
from hohoho.params import Record, runtime, stage_params
from hohoho.ranks import rank
from hohoho.slices.batches import StackedSlices, ordered_batches, training_batches
from hohoho.slices.stacks import channel_rows, read_stacks, read_statistics
from hohoho.slices.store import SlicePixels, is_labelled, read_store_settings, targets_of
from hohoho.stage.checkpoint import checkpoint_folder
from hohoho.stage.ranks import in_ranks
from hohoho.stage.run import run_stage
from hohoho.training.augment import Augmentation
from hohoho.training.cnn import SliceTraining, optimizer_factory
from hohoho.training.fit import Recipe, fit
from hohoho.training.schedule import warmup_cosine

import lightning

SLICES, STACKS, INIT = Path("data/slices"), Path("data/stacks"), Path("models/init")
CNN, CURVES = Path("models/cnn"), Path("metrics/plots/train_cnn.csv")


def main():
    in_ranks(partial(train_slices, stage_params("train_cnn")))


def train_slices(params: Record) -> None:
    """Train the slice classifier; in several ranks, rank 0 writes."""
    machine, train, loss = with_device(runtime()), params.train_cnn, params.loss
    precision = resolve_precision(train.precision, machine.device)
    lightning.seed_everything(params.seed, verbose=False)
    table, statistics = read_stacks(STACKS), read_statistics(STACKS)
    channels = len(statistics.mean)
    rows, targets, labelled = channel_rows(table, channels), targets_of(table), is_labelled(table)

    def slices(split: str) -> StackedSlices:
        chosen = labelled & (table["split"] == split).to_numpy()
        return StackedSlices(SlicePixels(SLICES), rows[chosen], targets[chosen])

    name, norm = params.backbone.name, (statistics.mean, statistics.std)
    model = SliceClassifier(name, load_initial_backbone(INIT, name, channels), *norm, train.dropout, precision)
    pos_weight = statistics.pos_weight if loss.pos_weight else None
    module = SliceTraining(
        model,
        build_loss(loss.name, loss.gamma_pos, loss.gamma_neg, loss.clip, pos_weight),
        optimizer_factory(train.optimizer, train.learning_rate, train.weight_decay, precision),
        warmup_cosine(train.warmup_fraction, train.min_learning_rate / train.learning_rate),
        Augmentation(**params.augment),
    )
    batches = training_batches(slices("train"), train.batch_size, params.seed)
    how = precision, train.gradient_clip, train.keep, CURVES
    kept = {"checkpoints": checkpoint_folder("train_cnn", params, precision), "studies": table["study"].to_numpy()}
    recipe = Recipe("train_cnn", train.epochs, params.seed, *how, threshold=params.evaluate.threshold, **kept)
    val = ordered_batches(slices("val"), 4 * train.batch_size)  # without gradients; one number bounds the memory
    fit(module, batches, val, recipe, machine)
    if rank() == 0:
        save_classifier(CNN, model)
        write_json(CNN / "input.json", read_store_settings(SLICES))


if __name__ == "__main__":
    run_stage(main)
