"""Augmentation of a whole batch on its device; every draw comes from the generator that is passed in."""

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn.functional import affine_grid, grid_sample

from hohoho.ranks import Part


@dataclass(frozen=True)
class Augmentation:
    """rotation_deg: uniform in +-, zero fill. jitter: strength of brightness, contrast and saturation (hue 0)."""

    rotation_deg: float
    flip: bool
    jitter: float
    jitter_probability: float
    flip_vertical: bool = False


def augment(
    images: Tensor, how: Augmentation, generator: Generator, scans: Tensor | None = None, part: Part | None = None
) -> Tensor:
    """images: (slices, channels, H, W) in [0, 1]. Returns the same shape, each slice drawn for itself.

    scans: (scans,) how many of the slices, one scan after the other, make each scan, which is then drawn as a whole.
    part: of a batch of slices, or of scans, that these are; then the whole batch is drawn. None: these are all.
    """
    images = rotate_and_flip(images, how.rotation_deg, how.flip, how.flip_vertical, generator, scans, part)
    return color_jitter(images, how.jitter, how.jitter_probability, generator, scans, part)


def rotate_and_flip(
    images: Tensor,
    degrees: float,
    horizontal: bool,
    vertical: bool,
    generator: Generator,
    scans: Tensor | None = None,
    part: Part | None = None,
) -> Tensor:
    """One bilinear resampling for rotation (zero fill) and flips (probability 0.5 each).

    scans, part: as of `augment`.
    """
    counts = _counts(images, scans)
    n = len(counts)
    angle = math.radians(degrees) * _uniform(n, generator, part)
    flip_x = 1 - 2 * _coin(n, 0.5, generator, part) * horizontal
    flip_y = 1 - 2 * _coin(n, 0.5, generator, part) * vertical
    affine = torch.zeros(n, 2, 3)
    affine[:, 0, 0], affine[:, 0, 1] = torch.cos(angle) * flip_x, -torch.sin(angle) * flip_x
    affine[:, 1, 0], affine[:, 1, 1] = torch.sin(angle) * flip_y, torch.cos(angle) * flip_y
    with torch.autocast(images.device.type, enabled=False):  # coordinates in bfloat16 are half a pixel off at 512
        affine = affine.repeat_interleave(counts, dim=0)
        grid = affine_grid(affine.to(images.device), list(images.shape), align_corners=False)
        return grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def color_jitter(
    images: Tensor,
    strength: float,
    probability: float,
    generator: Generator,
    scans: Tensor | None = None,
    part: Part | None = None,
) -> Tensor:
    """Brightness, contrast, then saturation, each by a factor in 1 +- strength, on a slice with that probability.

    scans, part: as of `augment`. The mean that contrast turns about is each slice's own.
    """
    counts = _counts(images, scans)
    n = len(counts)
    chosen = _coin(n, probability, generator, part)
    factors = 1 + strength * torch.stack([_uniform(n, generator, part) for _ in range(3)]) * chosen
    factors = factors.repeat_interleave(counts, dim=1)
    brightness, contrast, saturation = factors.to(images.device).view(3, len(images), 1, 1, 1)
    images = (images * brightness).clamp(0, 1)
    images = _blend(images, _gray(images).mean((2, 3), keepdim=True), contrast)
    return _blend(images, _gray(images), saturation)


def _gray(images: Tensor) -> Tensor:
    """Luma of ITU-R BT.601 for three channels, as colour jitter is defined for pictures; one channel stays as it is."""
    if images.shape[1] == 1:
        return images
    weights = torch.tensor([0.299, 0.587, 0.114], device=images.device).view(1, 3, 1, 1)
    return (images * weights).sum(1, keepdim=True)


def _blend(images: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    return (images * factor + other * (1 - factor)).clamp(0, 1)


def _counts(images: Tensor, scans: Tensor | None) -> Tensor:
    """How many slices share a draw: those of a scan, else each slice has its own."""
    return torch.ones(len(images), dtype=torch.int64) if scans is None else scans.cpu()


def _uniform(n: int, generator: Generator, part: Part | None) -> Tensor:
    """(n,) uniform in [-1, 1)."""
    return 2 * _rand(n, generator, part) - 1


def _coin(n: int, probability: float, generator: Generator, part: Part | None) -> Tensor:
    """(n,) of 1 (heads) and 0."""
    return (_rand(n, generator, part) < probability).float()


def _rand(n: int, generator: Generator, part: Part | None) -> Tensor:
    """(n,) uniform in [0, 1). part: of a batch, of which these are one or more copies; the whole batch is drawn."""
    if part is None:
        return torch.rand(n, generator=generator)
    copies = n // (part.stop - part.start)
    return torch.rand(copies, part.total, generator=generator)[:, part.start : part.stop].flatten()
