"""Training: modes, best weights, curves, and chance drawn from (seed, epoch)."""

from functools import partial

import numpy as np
import pytest
import torch

from hohoho.augment import Augmentation
from hohoho.backbones import SliceClassifier, build_backbone, load_classifier, save_classifier, to_unit
from hohoho.devices import Devices
from hohoho.end_to_end import CnnLstm, EndToEndTraining, ScanImages, scan_image_batches
from hohoho.losses import build_loss
from hohoho.progress import Progress
from hohoho.schedule import constant, warmup_cosine
from hohoho.sequence import ScanLstm
from hohoho.simclr import Projector, SimclrTraining, Views
from hohoho.slice_data import StackedSlices, ordered_batches, training_batches
from hohoho.slice_training import SliceTraining, optimizer_factory
from hohoho.training import Recipe, fit

HALF = [0.5] * 3
CPU = Devices("cpu", progress=False)
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


def classifier(seed=0, dropout=0.5):
    torch.manual_seed(seed)
    return SliceClassifier("resnet18", build_backbone("resnet18", 3), HALF, HALF, dropout)


def train(model, slices, epochs=2, learning_rate=0.001, seed=0, keep="best_f2"):
    loss, optimizer = build_loss("asymmetric", 0, 2, 0.05, None), optimizer_factory("adam", learning_rate, 0.0)
    module = SliceTraining(model, loss, optimizer, constant, STILL)
    return fit(module, training_batches(slices, 8, seed), ordered_batches(slices), Recipe(epochs, seed, keep=keep), CPU)


def test_batch_normalisation_learns_its_statistics_in_all_three_trainings_of_a_backbone(slices, tmp_path):
    sgd = partial(torch.optim.SGD, lr=0.01)
    save_classifier(tmp_path, classifier())
    cnn, alone, pretrained = load_classifier(tmp_path), classifier(), build_backbone("resnet18", 3)

    train(alone, slices, epochs=1)
    fit(
        SimclrTraining(Projector(pretrained, HALF, HALF, 8), 0.5, sgd, constant, Views(90, 0.1, 0.8)),
        training_batches(slices, 8, 0), None, Recipe(1, 0), CPU,
    )  # fmt: skip
    scans = ScanImages(slices, [(0, 10), (10, 24)])
    joint = EndToEndTraining(CnnLstm(cnn, ScanLstm(512, 4), 0.15), None, sgd, constant, STILL)
    fit(joint, scan_image_batches(scans, 1, 0), scan_image_batches(scans, 2, None), Recipe(1, 0), CPU)

    for backbone in (alone.backbone, pretrained, cnn.backbone):
        assert backbone.bn1.num_batches_tracked > 0


def test_the_weights_of_the_best_validation_epoch_are_kept(slices):
    once, longer = classifier(), classifier()
    first = train(once, slices, epochs=1)
    curves = train(longer, slices, epochs=3, learning_rate=0.001)
    best = max(range(3), key=lambda epoch: curves[epoch]["val_f2"])
    assert [row["epoch"] for row in curves] == [1, 2, 3]
    assert curves[0]["val_f2"] == first[0]["val_f2"], "an epoch depends on those before it alone"
    again = classifier()
    train(again, slices, epochs=best + 1)
    assert all(
        torch.equal(a, b) for a, b in zip(longer.state_dict().values(), again.state_dict().values(), strict=True)
    )


@pytest.mark.parametrize(
    ("keep", "column"), [("best_f2", "val_f2"), ("best_average_precision", "val_average_precision"), ("last", "epoch")]
)
def test_the_epoch_that_is_kept_is_the_one_that_was_asked_for(slices, keep, column):
    epochs, kept, single = 3, classifier(), classifier()
    curves = train(kept, slices, epochs, learning_rate=0.003, keep=keep)
    best = max(range(epochs), key=lambda epoch: curves[epoch][column])
    train(single, slices, epochs=best + 1, learning_rate=0.003, keep="last")
    assert all(torch.equal(a, b) for a, b in zip(kept.state_dict().values(), single.state_dict().values(), strict=True))


def test_the_average_precision_of_validation_is_scikit_learns(slices):
    from sklearn.metrics import average_precision_score

    model = classifier()
    curves = train(model, slices, epochs=1, keep="last")
    with torch.no_grad():
        images, targets = slices.__getitems__(list(range(24)))
        logits = model.eval()(to_unit(images))
    assert curves[0]["val_average_precision"] == pytest.approx(average_precision_score(targets, logits), abs=1e-5)


@pytest.mark.parametrize("epochs", [1, 4])  # fewer batches than are timed, and more
def test_what_a_training_costs_is_told_before_the_work(slices, capsys, epochs):
    train(classifier(), slices, epochs)
    lines = [line for line in capsys.readouterr().err.splitlines() if "epochs in" in line]
    assert len(lines) == 1
    assert lines[0].startswith(f"24 slices × {epochs} epochs in 32-true on cpu (")
    assert "about" in lines[0] and "GB of memory" in lines[0]


def test_the_bar_counts_the_same_work_as_the_estimate(slices):
    shown = []

    class Watched(Progress):
        def on_train_end(self, trainer, module):
            shown.append((self.done, self.total))
            super().on_train_end(trainer, module)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hohoho.training.Progress", Watched)
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
    fit(module, training_batches(slices, 8, 0), None, Recipe(1, 0, "bf16-mixed", gradient_clip=0.5), CPU)
    assert after and all(float(norm) == pytest.approx(0.5, rel=1e-3) for norm in after)


def test_the_seed_decides_batches_augmentation_and_dropout(slices):
    losses = [train(classifier(), slices, epochs=1, seed=seed)[0]["train_loss"] for seed in (0, 0, 1)]
    assert losses[0] == losses[1] != losses[2]


def test_a_loss_that_is_not_finite_stops_the_run(slices):
    model = classifier()
    with torch.no_grad():
        model.head[-1].weight.fill_(torch.nan)
    with pytest.raises(FloatingPointError, match="the loss became nan in epoch 1"):
        train(model, slices)


@pytest.mark.parametrize(
    ("name", "channels", "features"), [("resnet18", 1, 512), ("resnet50", 3, 2048), ("densenet121", 1, 1024)]
)
def test_every_backbone_embeds_gray_and_stacked_slices_and_survives_saving(name, channels, features, tmp_path):
    model = SliceClassifier(name, build_backbone(name, channels), [0.5] * channels, [0.25] * channels, 0.5).eval()
    images = torch.rand(2, channels, 32, 32, generator=torch.Generator().manual_seed(0))
    assert model.embed(images).shape == (2, features)
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
