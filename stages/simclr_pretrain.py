"""Stage simclr_pretrain: the backbone's start – SimCLR's weights where the row asks for them, else a descriptor."""

from functools import partial
from pathlib import Path

from hohoho.files import write_json
from hohoho.params import Record, runtime, stage_params
from hohoho.ranks import rank, ranks
from hohoho.stage.ranks import in_ranks
from hohoho.stage.run import run_stage

SLICES, PRETRAINING, INIT = Path("data/slices"), Path("data/pretraining"), Path("models/init")


def main():
    params = stage_params("simclr_pretrain")
    if params.simclr.enabled:
        in_ranks(partial(pretrain, params, params.simclr))
    else:
        write_json(INIT / "start.json", {"start": params.backbone.start})


def pretrain(params: Record, simclr: Record) -> None:
    """SimCLR on every slice, labelled or not, that may take part. Imported here: a descriptor needs no torch."""
    from hohoho.models.backbones import build_backbone
    from hohoho.models.devices import resolve_precision, with_device
    from hohoho.models.initial import save_initial_backbone
    from hohoho.slices.batches import training_batches, unlabelled_slices
    from hohoho.slices.split import CALIBRATION
    from hohoho.slices.stacks import channel_rows, read_pretraining
    from hohoho.slices.store import SlicePixels
    from hohoho.stage.checkpoint import checkpoint_folder
    from hohoho.training.augment import Augmentation
    from hohoho.training.cnn import optimizer_factory
    from hohoho.training.fit import Recipe, fit
    from hohoho.training.schedule import warmup_cosine
    from hohoho.training.simclr import Projector, SimclrTraining

    import lightning
    from lightly.loss import NTXentLoss

    machine = with_device(runtime())
    precision = resolve_precision(simclr.precision, machine.device)
    lightning.seed_everything(params.seed, verbose=False)
    table, norm = read_pretraining(PRETRAINING)
    channels = len(norm["mean"])
    kept_out = [CALIBRATION] if simclr.include_test else [CALIBRATION, "test"]
    rows = channel_rows(table, channels)[~table["kept_out"].isin(kept_out).to_numpy()]
    backbone = build_backbone(params.backbone.name, channels, imagenet=params.backbone.start == "imagenet")
    module = SimclrTraining(
        Projector(backbone, norm["mean"], norm["std"], simclr.projection_features),
        NTXentLoss(simclr.temperature),
        optimizer_factory("sgd", simclr.learning_rate, simclr.weight_decay, precision),
        warmup_cosine(simclr.warmup_fraction, simclr.min_learning_rate / simclr.learning_rate),
        Augmentation(simclr.rotation_deg, True, simclr.jitter, simclr.jitter_probability, flip_vertical=True),
    )
    batches = training_batches(unlabelled_slices(SlicePixels(SLICES), rows), simclr.batch_size, params.seed)
    folder, studies = checkpoint_folder("simclr_pretrain", params, precision), table["study"].to_numpy()
    recipe = Recipe("simclr", simclr.epochs, params.seed, precision, checkpoints=folder, studies=studies)
    fit(module, batches, None, recipe, machine)
    if rank() == 0:
        save_initial_backbone(INIT, backbone, precision, ranks())


if __name__ == "__main__":
    run_stage(main)
