"""Training: modes, best weights, curves, and chance drawn from (seed, epoch)."""

import re
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from lightly.loss import NTXentLoss
from torch import nn
from torch.utils.data import TensorDataset

from hohoho.errors import NumericBreakdown
from hohoho.models.backbones import SliceClassifier, build_backbone, load_classifier, save_classifier, to_float
from hohoho.models.losses import build_loss, summed_bce
from hohoho.models.lstm import ScanLstm
from hohoho.params import Record
from hohoho.scores.f2 import micro_f2
from hohoho.slices.batches import StackedSlices, ordered_batches, training_batches
from hohoho.training.augment import Augmentation
from hohoho.training.callbacks import KeptWeights
from hohoho.training.cnn import SliceTraining, optimizer_factory
from hohoho.training.end_to_end import CnnLstm, EndToEndTraining
from hohoho.training.fit import Recipe, fit
from hohoho.training.lstm import Scans, SequenceTraining, scan_batches
from hohoho.training.progress import Progress, busy_seconds, others_cores
from hohoho.training.schedule import constant, warmup_cosine
from hohoho.training.simclr import Projector, SimclrTraining

HALF, FEATURES = [0.5] * 3, 16
CPU = Record({"device": "cpu", "progress": False})
STILL = Augmentation(rotation_deg=10, flip=True, jitter=0.1, jitter_probability=0.4)


class Pixels:
    def __init__(self, count=24):
        self.images = np.random.default_rng(0).integers(0, 256, (count, 32, 32), dtype=np.uint8)

    def take(self, rows):
        return self.images[rows]


@pytest.fixture
def slices():
    rows = np.arange(24)[:, None].repeat(3, axis=1)
    return StackedSlices(Pixels(), rows, np.random.default_rng(1).integers(0, 2, (24, 5)))


def small_backbone():
    """One convolution, where a test is about the training and any backbone will do."""
    layers = nn.Conv2d(3, FEATURES, 3, 2, 1, bias=False), nn.BatchNorm2d(FEATURES), nn.ReLU(), nn.AdaptiveAvgPool2d(1)
    backbone = nn.Sequential(*layers, nn.Flatten())
    backbone.num_features = FEATURES
    return backbone


def classifier(seed=0, dropout=0.5, backbone=small_backbone):
    torch.manual_seed(seed)
    return SliceClassifier("resnet18", backbone(), HALF, HALF, dropout)


def train(model, slices, epochs=2, learning_rate=0.001, seed=0, keep="best_f2", threshold=0.5):
    loss, optimizer = build_loss("asymmetric", 0, 2, 0.05, None), optimizer_factory("adam", learning_rate, 0.0)
    module = SliceTraining(model, loss, optimizer, constant, STILL)
    recipe = Recipe("train_cnn", epochs, seed, keep=keep, threshold=threshold)
    return fit(module, training_batches(slices, 8, seed), ordered_batches(slices), recipe, CPU)


def test_batch_normalisation_learns_its_statistics_in_all_three_trainings_of_a_backbone(slices, tmp_path):
    sgd, resnet = partial(torch.optim.SGD, lr=0.01), partial(build_backbone, "resnet18", 3)
    save_classifier(tmp_path, classifier(backbone=resnet))
    cnn, alone, pretrained = load_classifier(tmp_path), classifier(backbone=resnet), resnet()

    train(alone, slices, epochs=1)
    fit(
        SimclrTraining(Projector(pretrained, HALF, HALF, 8), NTXentLoss(0.5), sgd, constant, STILL),
        training_batches(slices, 8, 0), None, Recipe("train_cnn", 1, 0), CPU,
    )  # fmt: skip
    scans = Scans(slices, [slice(0, 10), slice(10, 24)])
    joint = EndToEndTraining(CnnLstm(cnn, ScanLstm(512, 4), 0.15), summed_bce(None), sgd, constant, STILL)
    fit(joint, scan_batches(scans, 1, 0), scan_batches(scans, 2, None), Recipe("train_cnn", 1, 0), CPU)

    for backbone in (alone.backbone, pretrained, cnn.backbone):
        assert backbone.bn1.num_batches_tracked > 0


def best_epoch(curves, column):
    """By the score, then by the loss, both on validation."""
    return max(range(len(curves)), key=lambda epoch: (curves[epoch][column], -curves[epoch]["val_loss"]))


def test_the_weights_of_the_best_validation_epoch_are_kept(slices):
    once, longer = classifier(), classifier()
    first = train(once, slices, epochs=1)
    curves = train(longer, slices, epochs=3, learning_rate=0.001)
    assert [row["epoch"] for row in curves] == [1, 2, 3]
    assert curves[0]["val_f2"] == first[0]["val_f2"], "an epoch depends on those before it alone"
    again = classifier()
    train(again, slices, epochs=best_epoch(curves, "val_f2") + 1)
    assert all(
        torch.equal(a, b) for a, b in zip(longer.state_dict().values(), again.state_dict().values(), strict=True)
    )


@pytest.mark.parametrize(
    ("keep", "column"), [("best_f2", "val_f2"), ("best_average_precision", "val_average_precision"), ("last", "epoch")]
)
def test_the_epoch_that_is_kept_is_the_one_that_was_asked_for(slices, keep, column):
    epochs, kept, single = 3, classifier(), classifier()
    curves = train(kept, slices, epochs, learning_rate=0.003, keep=keep)
    train(single, slices, epochs=best_epoch(curves, column) + 1, learning_rate=0.003, keep="last")
    assert all(torch.equal(a, b) for a, b in zip(kept.state_dict().values(), single.state_dict().values(), strict=True))


def test_a_model_that_never_says_yes_is_not_frozen_in_its_warm_up(slices):
    kept, single = classifier(), classifier()
    for model in (kept, single):
        torch.nn.init.constant_(model.head[-1].bias, -30.0)
    curves = train(kept, slices, epochs=3, learning_rate=1e-2)
    assert {row["val_f2"] for row in curves} == {0}
    best = best_epoch(curves, "val_f2")
    assert best > 0
    train(single, slices, epochs=best + 1, learning_rate=1e-2, keep="last")
    assert all(torch.equal(a, b) for a, b in zip(kept.state_dict().values(), single.state_dict().values(), strict=True))


@pytest.mark.parametrize(("kind", "drawn"), [("train_cnn", 24), ("simclr", 2 * 24), ("end_to_end", 2)])
def test_end_to_end_draws_a_scan_as_one_and_the_others_each_slice(slices, kind, drawn):
    module, _, _ = training_of(kind, slices, 0.001)
    module.train().generator, shown = torch.Generator().manual_seed(0), []
    embedder = module.model.cnn if kind == "end_to_end" else module.model
    embedder.backbone.register_forward_pre_hook(lambda _, pictures: shown.append(pictures[0].detach()))
    images, targets = slices.__getitems__([3] * 24)  # one picture, 24 times
    module.model_step((images, targets, torch.tensor([10, 14])) if kind == "end_to_end" else (images, targets))
    assert [len(pictures.unique(dim=0)) for pictures in shown] == [drawn]


def test_a_slice_of_simclrs_first_view_stands_where_its_second_view_stands(slices):
    module, batches, _ = training_of("simclr", slices, 0.001)
    module.augmentation = Augmentation(rotation_deg=0, flip=False, jitter=0, jitter_probability=0)
    module.train().generator = torch.Generator().manual_seed(0)
    _, first, second = module.model_step(next(iter(batches)))
    assert torch.allclose(first, second, atol=1e-4)
    assert not torch.allclose(first, second.roll(1, dims=0), atol=1e-2)


SCORE = st.sampled_from([0.0, 0.25, 0.5, float("nan")])


@given(st.lists(st.tuples(SCORE, st.sampled_from([0.1, 0.2, 0.3])), min_size=1, max_size=6))
def test_of_equal_scores_the_lower_loss_is_kept_and_of_equal_losses_the_earlier_epoch(epochs):
    kept = KeptWeights("val_f2")
    for number, (score, loss) in enumerate(epochs):
        trainer = SimpleNamespace(callback_metrics={"val_f2": score, "val_loss": loss})
        kept.on_validation_end(trainer, SimpleNamespace(model=SimpleNamespace(state_dict=lambda: number)))  # noqa: B023
    ranked = sorted(range(len(epochs)), key=lambda e: (-np.nan_to_num(epochs[e][0], nan=-1), epochs[e][1], e))
    assert kept.weights == ranked[0]


@pytest.mark.parametrize("threshold", [0.1, 0.13, 0.5])
def test_the_f2_that_selects_is_that_of_the_rows_own_threshold(slices, threshold):
    model = classifier()
    curves = train(model, slices, epochs=1, keep="last", threshold=threshold)
    with torch.no_grad():
        images, targets = slices.__getitems__(list(range(24)))
        probabilities = model.eval()(to_float(images)).sigmoid().numpy()
    assert curves[0]["val_f2"] == pytest.approx(micro_f2(targets.numpy(), probabilities, threshold), abs=1e-6)


def test_the_average_precision_of_validation_is_scikit_learns(slices):
    from sklearn.metrics import average_precision_score

    model = classifier()
    curves = train(model, slices, epochs=1, keep="last")
    with torch.no_grad():
        images, targets = slices.__getitems__(list(range(24)))
        logits = model.eval()(to_float(images))
    assert curves[0]["val_average_precision"] == pytest.approx(average_precision_score(targets, logits), abs=1e-5)


@pytest.mark.parametrize("epochs", [1, 4])  # fewer batches than are timed, and more
def test_what_a_training_costs_is_told_before_the_work(slices, capsys, epochs):
    train(classifier(), slices, epochs)
    lines = [line for line in capsys.readouterr().err.splitlines() if "epochs in" in line]
    assert len(lines) == 1
    assert lines[0].startswith(f"24 slices × {epochs} epochs in 32-true on cpu (")
    assert "about" in lines[0] and "GB of memory" in lines[0]


@pytest.mark.parametrize(
    ("precision", "threads", "others", "told"),
    [
        ("bf16-mixed", 2, 1.5, True),
        ("bf16-mixed", 2, 0.1, False),
        ("bf16-mixed", 1, 1.5, False),
        ("32-true", 2, 1.5, False),
    ],
)
def test_bf16_threads_beside_other_programs_are_told_to_be_one(
    slices, capsys, monkeypatch, precision, threads, others, told
):
    monkeypatch.setattr("hohoho.training.progress.others_cores", lambda before, after: others)
    monkeypatch.setattr("torch.get_num_threads", lambda: threads)
    module, batches, _ = training_of("train_cnn", slices, 0.001)
    fit(module, batches, None, Recipe("train_cnn", 1, 0, precision), CPU)
    assert ("other programs keep 1.5 cores busy" in capsys.readouterr().err) == told


def test_the_cores_of_others_are_what_all_worked_less_what_this_process_did():
    before, after = busy_seconds(), busy_seconds()
    assert others_cores((10, 100, 5), (14, 108, 7)) == 1.5
    assert all(end >= start for start, end in zip(before, after, strict=True))


def test_the_bar_counts_the_same_work_as_the_estimate(slices):
    shown = []

    class Watched(Progress):
        def on_train_end(self, trainer, module):
            shown.append((self.done, self.total))
            super().on_train_end(trainer, module)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hohoho.training.fit.Progress", Watched)
        train(classifier(), slices, epochs=2)
    done, total = shown[0]
    assert done == pytest.approx(total) == pytest.approx(2 * (24 + 24 / 3))


def test_a_clipped_gradient_has_the_norm_it_was_clipped_to(slices):
    module = SliceTraining(
        classifier(), build_loss("bce", 0, 0, 0, None), optimizer_factory("sgd", 0.1, 0), constant, STILL
    )
    clip, after = module.configure_gradient_clipping, []

    def clipped(optimizer, *arguments, **named):
        clip(optimizer, *arguments, **named)
        after.append(torch.nn.utils.get_total_norm([p.grad for p in module.parameters() if p.grad is not None]))

    module.configure_gradient_clipping = clipped
    fit(module, training_batches(slices, 8, 0), None, Recipe("train_cnn", 1, 0, "bf16-mixed", gradient_clip=0.5), CPU)
    assert after and all(float(norm) == pytest.approx(0.5, rel=1e-3) for norm in after)


def test_the_seed_decides_batches_augmentation_and_dropout(slices):
    losses = [train(classifier(), slices, epochs=1, seed=seed)[0]["train_loss"] for seed in (0, 0, 1)]
    assert losses[0] == losses[1] != losses[2]


def training_of(kind, slices, rate):
    """(module, training batches, validation batches) of one of the four trainings."""
    adam, scans = optimizer_factory("adam", rate, 0.0), Scans(slices, [slice(0, 10), slice(10, 24)])
    batches = training_batches(slices, 8, 0)
    match kind:
        case "train_cnn":
            loss = build_loss("asymmetric", 0, 2, 0.05, None)
            return SliceTraining(classifier(), loss, adam, constant, STILL), batches, ordered_batches(slices)
        case "simclr":
            projector = Projector(small_backbone(), HALF, HALF, 8)
            how = NTXentLoss(0.5), optimizer_factory("sgd", rate, 0.0), constant, STILL
            return SimclrTraining(projector, *how), batches, None
        case "frozen":
            embedded = TensorDataset(torch.rand(24, 6, generator=torch.Generator().manual_seed(0)), slices.targets)
            scans = Scans(embedded, scans.bounds)
            module = SequenceTraining(ScanLstm(6, 4), summed_bce(None), adam, constant)
            return module, scan_batches(scans, 1, 0), scan_batches(scans, 2, None)
    module = EndToEndTraining(
        CnnLstm(classifier(), ScanLstm(FEATURES, 4), 0.0), summed_bce(None), adam, constant, STILL
    )
    return module, scan_batches(scans, 1, 0), scan_batches(scans, 2, None)


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
@pytest.mark.parametrize("clip", [0.0, 1.0])
@pytest.mark.parametrize(
    ("kind", "rate"), [("train_cnn", 1e20), ("simclr", 1e20), ("frozen", 1e39), ("end_to_end", 1e30)]
)
def test_a_learning_rate_that_breaks_the_numbers_ends_in_one_message_that_names_it(slices, kind, rate, clip, precision):
    module, batches, val = training_of(kind, slices, rate)
    precision = "32-true" if kind == "frozen" else precision  # as the stage does it: many CPUs have no LSTM in bf16
    with pytest.raises(NumericBreakdown) as broken:
        fit(module, batches, val, Recipe(kind, 2, 0, precision, clip), CPU)
    said = str(broken.value)
    assert re.match(rf"{kind}: .* became (NaN|infinite) in epoch \d(, step \d)?: lower ", said)
    assert said.endswith(f"lower {kind}.learning_rate, now {rate:g}")


def broken_weights(module):
    with torch.no_grad():
        module.model.head[-1].weight.fill_(torch.nan)


def broken_gradient(module):
    module.model.head[-1].weight.register_hook(lambda gradient: gradient * torch.inf)


def broken_on_validation(module):
    module.model.head.register_forward_hook(lambda head, _, logits: logits if head.training else logits * torch.nan)


@pytest.mark.parametrize(
    ("break_", "clip", "message"),
    [
        (broken_weights, 0.0, "train_cnn: the loss became NaN in epoch 1, step 1:"),
        (broken_gradient, 0.0, "train_cnn: the gradient became (NaN|infinite) in epoch 1, step 1:"),
        (broken_gradient, 1.0, "train_cnn: the gradient became (NaN|infinite) in epoch 1, step 1:"),
        (broken_on_validation, 1.0, "train_cnn: the outputs on validation became NaN in epoch 1, step 1:"),
    ],
)
def test_what_is_not_finite_stops_the_run_where_it_is_first_seen(slices, break_, clip, message):
    module, batches, val = training_of("train_cnn", slices, 0.001)
    break_(module)
    with pytest.raises(NumericBreakdown, match=message):
        fit(module, batches, val, Recipe("train_cnn", 1, 0, gradient_clip=clip), CPU)


def test_weights_that_broke_in_the_very_last_step_are_not_kept(slices):
    module, _, _ = training_of("train_cnn", slices, 1e39)
    with pytest.raises(NumericBreakdown, match="the weights became (NaN|infinite) in epoch 1: lower"):
        fit(module, training_batches(slices, 24, 0), None, Recipe("train_cnn", 1, 0), CPU)


@pytest.mark.parametrize(
    ("name", "channels", "features"),
    [("resnet18", 1, 512), ("resnet34", 3, 512), ("resnet50", 3, 2048), ("densenet121", 1, 1024)],
)
def test_every_backbone_embeds_gray_and_stacked_slices_and_survives_saving(name, channels, features, tmp_path):
    model = SliceClassifier(name, build_backbone(name, channels), [0.5] * channels, [0.25] * channels, 0.5).eval()
    images = torch.rand(2, channels, 32, 32, generator=torch.Generator().manual_seed(0))
    assert model.embed(images).shape == (2, features) == (2, model.backbone.num_features)
    save_classifier(tmp_path, model)
    assert torch.equal(load_classifier(tmp_path)(images), model(images))


def test_the_learning_rate_rises_then_falls_to_its_floor():
    factor = warmup_cosine(0.2, 0.05)
    assert factor(0.1) == pytest.approx(0.5)
    assert factor(0.2) == pytest.approx(1.0)
    assert factor(0.6) == pytest.approx((1 + 0.05) / 2)
    assert factor(1.0) == pytest.approx(0.05)


def test_missing_imagenet_weights_name_the_remedy(monkeypatch):
    from urllib.error import URLError

    from torchvision import models

    def offline(*_, **__):
        raise URLError("no route")

    monkeypatch.setattr(models, "get_model", offline)
    with pytest.raises(ValueError, match="-S backbone.start=random"):
        build_backbone("resnet18", 3, imagenet=True)
