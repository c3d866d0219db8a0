"""Several ranks train as one does: the same batches, parted; batch normalisation and dropout of the whole batch.

What is drawn by chance is drawn for the whole batch from generators that all ranks seed alike, and each takes its part.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.strategies import DDPStrategy
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.utils.data import BatchSampler, DataLoader

from hohoho.errors import InputError
from hohoho.ranks import Part, part_of, ranks, ranks_here
from hohoho.training.batch_norm import SyncedBatchNorm


class Parts(BatchSampler):
    """This rank's part of each batch of another batch sampler; of a last, small batch it may be empty."""

    def __init__(self, whole: BatchSampler):
        self.whole, self.sampler, self.batch_size = whole, whole.sampler, whole.batch_size

    def __iter__(self) -> Iterator[list[int]]:
        for batch in self.whole:
            part = part_of(len(batch))
            yield batch[part.start : part.stop]

    def __len__(self) -> int:
        return len(self.whole)

    def part(self, step: int) -> Part:
        """Which part of the batch of a step, from 0, this rank has."""
        return part_of(min(self.batch_size, len(self.sampler) - step * self.batch_size))


def parted(batches: DataLoader, section: str) -> DataLoader:
    """Batches of which this rank loads its part; with one rank, as they are.

    Raises InputError where a batch is smaller than the number of ranks. section: of params.yaml, for the message.
    """
    if ranks() == 1:
        return batches
    size = batches.batch_sampler.batch_size
    if size < ranks():
        raise InputError(
            f"{section}.batch_size is {size}, but {ranks()} ranks share each batch: take a larger one, or fewer "
            "runtime.devices"
        )
    how = {"collate_fn": batches.collate_fn, "num_workers": batches.num_workers, "pin_memory": batches.pin_memory}
    return DataLoader(batches.dataset, batch_sampler=Parts(batches.batch_sampler), **how)


def trainer_options(device: str) -> dict[str, Any]:
    """How Lightning's Trainer runs in this rank; with one, on one device. device: "cuda" or "cpu"."""
    if ranks() == 1:
        return {"devices": 1}
    # Average precision is kept on the CPU, on a GPU too. Searching for unused parameters also keeps the buckets of
    # gradients as they are, so that a resumed training adds up in the same order; buffers are equal on all ranks.
    backend = "cpu:gloo,cuda:nccl" if device == "cuda" else "gloo"
    strategy = DDPStrategy(process_group_backend=backend, find_unused_parameters=True, forward_sync_buffers=False)
    where = {"devices": ranks_here(), "num_nodes": ranks() // ranks_here()}
    return {**where, "strategy": strategy, "sync_batchnorm": device == "cuda", "use_distributed_sampler": False}


class PartOfBatch:
    """Mixed into a kind of dropout: the mask is that of the whole batch, as one rank would draw it."""

    def forward(self, values: Tensor) -> Tensor:
        """values: (items, ...) of this rank's part."""
        if not self.training:
            return values
        part = self.part()
        mask = super().forward(values.new_ones(part.total, *values.shape[1:]))
        return values * mask[part.start : part.stop]


@contextmanager
def whole_batch_layers(model: nn.Module, part: Callable[[], Part], device: str) -> Iterator[None]:
    """Meanwhile dropout and, on a CPU, batch normalisation see the whole batch; with one rank, nothing changes.

    part: of the batch that this rank has now. On a GPU Lightning exchanges batch normalisation for torch's own.
    """
    kinds = {layer: type(layer) for layer in model.modules()} if ranks() > 1 else {}
    for layer, kind in kinds.items():
        if isinstance(layer, _DropoutNd):
            layer.__class__, layer.part = type(kind.__name__, (PartOfBatch, kind), {}), part
        elif isinstance(layer, _BatchNorm) and device == "cpu":
            layer.__class__ = SyncedBatchNorm
    try:
        yield
    finally:
        for layer, kind in kinds.items():
            layer.__class__ = kind


def summed_over_ranks(count: int) -> int:
    """A number of items, over all ranks."""
    if ranks() == 1:
        return count
    total = torch.tensor(count)  # on the CPU, where it is
    torch.distributed.all_reduce(total)
    return int(total)


class InRank(Callback):
    """Tells the training which part of each batch is this rank's; with one rank, nothing.

    SIGTERM stays what it was: Lightning's own handler would wait for the other ranks, which may be gone.
    """

    def __init__(self):
        self.on_sigterm = signal.getsignal(signal.SIGTERM)

    def on_train_start(self, trainer, module):
        if ranks() > 1:
            signal.signal(signal.SIGTERM, self.on_sigterm)

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        if ranks() > 1:
            module.part = trainer.train_dataloader.batch_sampler.part(batch_idx)
