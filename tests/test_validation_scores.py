"""Scores on validation and the curves of a training, on a model whose outputs are its inputs."""

import signal

import lightning
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import average_precision_score, fbeta_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from hohoho.errors import NumericBreakdown
from hohoho.models.losses import summed_bce
from hohoho.params import Record
from hohoho.training.cnn import optimizer_factory
from hohoho.training.fit import Recipe, Training, fit
from hohoho.training.schedule import constant

SCORES = ("val_f2", "val_average_precision")
QUIET = {"logger": False, "enable_progress_bar": False, "enable_checkpointing": False, "enable_model_summary": False}


class Given(Training):
    """Logits are the inputs, as long as nothing is learnt."""

    def __init__(self, learning_rate: float = 0.0):
        super().__init__(
            nn.Linear(5, 5, bias=False), summed_bce(None), optimizer_factory("sgd", learning_rate, 0.0), constant
        )
        nn.init.eye_(self.model.weight)

    def predict(self, batch):
        inputs, targets = batch
        return self.model(inputs), targets


def slices(count=61, seed=0, scale=3.0):
    rng = np.random.default_rng(seed)
    return torch.tensor(rng.normal(0, scale, (count, 5)), dtype=torch.float32), torch.tensor(
        rng.integers(0, 2, (count, 5)), dtype=torch.float32
    )


def loader(logits, targets, batch_size):
    return DataLoader(TensorDataset(logits, targets), batch_size)


def validated(logits, targets, batch_size):
    """(micro F2, average precision) as a training logs them."""
    trainer = lightning.Trainer(accelerator="cpu", devices=1, **QUIET)
    [logged] = trainer.validate(Given(), loader(logits, targets, batch_size), verbose=False)
    return tuple(logged[name] for name in SCORES)


def expected(logits, targets):
    probabilities = logits.double().sigmoid().numpy()
    f2 = fbeta_score(targets, probabilities >= 0.5, beta=2, average="micro")
    return f2, average_precision_score(targets, probabilities)


@pytest.mark.parametrize("batch_size", [1, 7, 61])
@pytest.mark.parametrize(("seed", "scale"), [(0, 3.0), (1, 0.01), (2, 0.5)])
def test_scores_are_those_of_the_whole_validation_set_however_it_is_batched(seed, scale, batch_size):
    logits, targets = slices(seed=seed, scale=scale)
    assert validated(logits, targets, batch_size) == pytest.approx(expected(logits, targets), abs=1e-6)


@pytest.mark.parametrize("batch_size", [2, 40])
def test_a_batch_of_logits_between_0_and_1_is_not_taken_for_probabilities(batch_size):
    logits, targets = slices(40)
    logits[:20] = logits[:20].abs().clamp(max=0.4)  # as a probability it would be a no
    assert validated(logits, targets, batch_size) == pytest.approx(expected(logits, targets), abs=1e-6)


def test_a_probability_of_one_half_is_a_yes():
    targets = torch.tensor([[1.0, 0, 0, 0, 0], [0, 1, 1, 1, 1]])
    assert validated(torch.zeros(2, 5), targets, 1)[0] == pytest.approx(5 * 5 / (5 * 5 + 5))
    assert validated(torch.full((2, 5), -1e-6), targets, 1)[0] == 0


def test_an_unlabelled_slice_is_left_out_of_loss_and_scores():
    logits, targets = slices(30)
    targets[::3, 2] = torch.nan
    labelled = torch.isfinite(targets).all(-1)
    expected_scores = expected(logits[labelled], targets[labelled])
    assert validated(logits, targets, 4) == pytest.approx(expected_scores, abs=1e-6)
    loss, outputs, _ = Given().model_step((logits, targets))
    assert torch.equal(outputs, logits[labelled])
    assert torch.equal(loss, Given().model_step((logits[labelled], targets[labelled]))[0])


def test_a_soft_target_on_validation_is_an_error_not_a_score():
    logits, targets = slices(6)
    targets[3, 1] = 0.5
    with pytest.raises(RuntimeError, match=r"only the following values \[0, 1\]"):
        validated(logits, targets, 6)


def test_every_epoch_is_scored_by_itself_with_and_without_a_sanity_check():
    (train, labels), val = slices(8, seed=5), slices(23, seed=6)
    for steps in (0, 2):
        logged = []

        class Watch(lightning.Callback):
            def on_validation_end(self, trainer, module, logged=logged):
                if not trainer.sanity_checking:
                    logged.append(tuple(float(trainer.callback_metrics[name]) for name in SCORES))

        trainer = lightning.Trainer(
            max_epochs=3, num_sanity_val_steps=steps, accelerator="cpu", devices=1, callbacks=[Watch()], **QUIET
        )
        trainer.fit(Given(), loader(train, labels, 4), loader(*val, 5))
        assert logged == [pytest.approx(expected(*val), abs=1e-6)] * 3


@pytest.mark.filterwarnings("ignore:.*reference is not registered")
@pytest.mark.parametrize("cut", [1, 17, 49])
def test_ranks_that_part_the_validation_set_have_the_scores_of_the_whole(cut):
    logits, targets = slices(50)
    first, second = Given(), Given()
    first.validation_step((logits[:cut], targets[:cut]), 0)
    second.validation_step((logits[cut:], targets[cut:]), 0)
    for name in ("f2", "average_precision"):  # as torch.distributed reduces them: sum of counts, all outputs
        getattr(first, name).merge_state(getattr(second, name))
    scores = float(first.f2.compute()), float(first.average_precision.compute())
    assert scores == pytest.approx(expected(logits, targets), abs=1e-6)


class Stop(lightning.Callback):
    """Ends a training in the middle of an epoch, as Ctrl-C or broken numbers do."""

    def __init__(self, epoch, error):
        self.epoch, self.error = epoch, error

    def on_train_batch_end(self, trainer, *_):
        if trainer.current_epoch + 1 == self.epoch:
            raise self.error


def trained(path, epochs, columns=None, stop=()):
    val, recipe = slices(9, seed=2), Recipe("train_cnn", epochs, 0, curves=path, curve_columns=columns)
    module = Given(learning_rate=0.01)
    module.configure_callbacks = lambda: list(stop)
    cpu = Record({"device": "cpu", "progress": False})
    return fit(module, loader(*slices(8, seed=1), 4), loader(*val, 4), recipe, cpu)


@pytest.mark.parametrize("columns", [None, ["epoch", "train_loss", "val_f2"]])
def test_the_curves_on_disk_are_whole_after_every_epoch(tmp_path, columns):
    path, seen = tmp_path / "plots/curves.csv", []

    class Reader(lightning.Callback):
        def on_train_epoch_start(self, trainer, module):
            seen.append(pd.read_csv(path) if path.exists() else None)

    rows = trained(path, 4, columns, [Reader()])
    assert seen[0] is None
    for epoch, table in enumerate(seen[1:], start=1):
        pd.testing.assert_frame_equal(table, pd.DataFrame(rows[:epoch], columns=columns))
    pd.testing.assert_frame_equal(pd.read_csv(path), pd.DataFrame(rows, columns=columns))


@pytest.fixture
def interruptible():
    """Lightning ignores further Ctrl-C after the first; the tests after this one shall not."""
    handler = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, handler)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), NumericBreakdown("the loss became NaN"), OSError("disk")])
@pytest.mark.parametrize("epoch", [2, 3])
def test_a_training_that_ends_early_leaves_the_curves_of_its_whole_epochs(tmp_path, interruptible, epoch, error):
    whole = trained(tmp_path / "whole.csv", 4)
    with pytest.raises(type(error)):
        trained(tmp_path / "broken.csv", 4, stop=[Stop(epoch, error)])
    table = pd.read_csv(tmp_path / "broken.csv")
    pd.testing.assert_frame_equal(table, pd.DataFrame(whole[: epoch - 1]))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.csv", "whole.csv"]
