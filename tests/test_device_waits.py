"""A training step asks a GPU for nothing: each answer would make the CPU wait, and then the GPU.

Tried on torch's device "meta", which has no values to answer with.
"""

from contextlib import nullcontext

import pytest
import torch
from test_training import CPU, slices, training_of  # noqa: F401 - `slices` is a fixture
from torch import Tensor, nn

from hohoho.errors import NumericBreakdown
from hohoho.training import faults
from hohoho.training.fit import Recipe, fit


@pytest.fixture
def meta(monkeypatch):
    """The device; a copy to it that waits is refused, as autocast refuses to know it."""
    copy = Tensor.to

    def asynchronous(tensor, *where, **how):
        copied = copy(tensor, *where, **how)
        assert copied.device == tensor.device or how.get("non_blocking"), "a copy that waits"
        return copied

    monkeypatch.setattr(Tensor, "to", asynchronous)
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())
    monkeypatch.setitem(faults.LOOK_EVERY, "meta", 100)
    return torch.device("meta")


@pytest.mark.parametrize("unlabelled", [[], [3, 17]])
def test_a_training_step_does_not_wait_for_its_gpu(slices, meta, unlabelled):  # noqa: F811
    slices.targets[unlabelled] = torch.nan
    module, batches, _ = training_of("train_cnn", slices, 0.001)
    batch = next(iter(batches))
    module.model.to_empty(device=meta)
    module.train().generator = torch.Generator().manual_seed(0)
    loss, _, targets = module.model_step(module.transfer_batch_to_device(batch, meta, 0))
    loss.backward()
    norm = nn.utils.get_total_norm([p.grad for p in module.parameters()])
    module.watch.add("the loss", 0, loss)
    module.watch.add("the gradient", 0, norm)
    nn.utils.clip_grads_with_norm_(module.parameters(), 1.0, norm)
    assert len(targets) == torch.isfinite(batch[1]).all(1).sum()
    with pytest.raises(NotImplementedError, match="meta tensor"):
        module.watch.look()  # this asks


def test_the_two_views_of_simclr_do_not_wait_either(slices, meta):  # noqa: F811
    module, batches, _ = training_of("simclr", slices, 0.001)
    module.model.to_empty(device=meta)
    module.train().generator = torch.Generator().manual_seed(0)
    del module.loss  # lightly's own takes elements by a mask, which is such a question
    module.loss = lambda first, second: (first - second).square().sum()
    loss, first, second = module.model_step(module.transfer_batch_to_device(next(iter(batches)), meta, 0))
    assert loss.requires_grad and first.shape == second.shape == (8, 8)


@pytest.mark.parametrize("every", [2, 5, 100])
@pytest.mark.parametrize("broken_step", [1, 2, 3])
def test_a_value_that_is_looked_at_later_still_names_its_step(slices, monkeypatch, every, broken_step):  # noqa: F811
    monkeypatch.setitem(faults.LOOK_EVERY, "cpu", every)
    module, batches, _ = training_of("frozen", slices, 0.001)
    batches = torch.utils.data.DataLoader(batches.dataset, 1, sampler=[0, 1, 0], collate_fn=batches.collate_fn)
    step, seen = module.model_step, []

    def broken(batch):
        loss, outputs, targets = step(batch)
        seen.append(loss)
        return loss * (torch.inf if len(seen) == broken_step else 1), outputs, targets

    module.model_step = broken
    with pytest.raises(NumericBreakdown, match=rf"the loss became infinite in epoch 1, step {broken_step}: "):
        fit(module, batches, None, Recipe("train_lstm", 2, 0), CPU)
    assert len(seen) <= 3, "found before the epoch ends"
