"""Batch normalisation over all ranks on a CPU: torch's own SyncBatchNorm is for GPUs only."""

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.distributed import all_reduce
from torch.nn.functional import batch_norm
from torch.nn.modules.batchnorm import _BatchNorm


class SyncedBatchNorm(_BatchNorm):
    """Statistics of the whole batch, whatever part of it each rank has, also none."""

    def forward(self, values: Tensor) -> Tensor:
        """values: (items, channels, ...)."""
        if not self.training:
            return batch_norm(values, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        mean, var, count = statistics(values.detach().float())
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(var * count / (count - 1), self.momentum)
        return Normalised.apply(values, self.weight, self.bias, mean, var, count, self.eps)

    def _check_input_dim(self, _) -> None:
        """Images and vectors alike."""


def statistics(values: Tensor) -> tuple[Tensor, Tensor, float]:
    """Mean and biased variance per channel over all ranks, and of how many numbers they are.

    values: (items, channels, ...). Each rank's own, combined in float64: mean of squares less square of means would
    cancel in float32.
    """
    count, channels = values.numel() // values.shape[1], values.shape[1]
    own = torch.zeros(2 * channels + 1, dtype=torch.float64)
    if count:
        var, mean = (each.double() for each in torch.var_mean(values, _dims(values), correction=0))
        own = count * torch.cat([mean, var + mean**2, torch.ones(1, dtype=torch.float64)])
    all_reduce(own)
    mean, square = own[:-1].view(2, channels) / own[-1]
    return mean.float(), (square - mean**2).float(), own[-1].item()


class Normalised(Function):
    """Normalisation by given statistics, whose gradient knows that they come from the values of all ranks."""

    @staticmethod
    def forward(ctx, values, weight, bias, mean, var, count, eps):
        ctx.save_for_backward(values, weight, mean, torch.rsqrt(var + eps))
        ctx.count = count
        return batch_norm(values, mean, var, weight, bias, training=False, eps=eps)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        values, weight, mean, scale = ctx.saved_tensors
        shape, dims = (1, -1, *[1] * (values.dim() - 2)), _dims(values)
        normalised, wide = (values.float() - mean.view(shape)) * scale.view(shape), gradient.float()
        own = torch.stack([wide.sum(dims), (wide * normalised).sum(dims)])
        bias, slope = own.clone()
        all_reduce(own)
        of_bias, of_weight = (each.view(shape) for each in own / ctx.count)
        wide = (weight * scale).view(shape) * (wide - of_bias - normalised * of_weight)
        return wide.to(values.dtype), slope, bias, None, None, None, None


def _dims(values: Tensor) -> list[int]:
    """All but the channels."""
    return [0, *range(2, values.dim())]
