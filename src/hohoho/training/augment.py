"""Augmentation of a whole batch on its device; every draw comes from the generator that is passed in."""

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn.functional import grid_sample

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
    cos, sin = torch.cos(angle), torch.sin(angle)
    flip_x = 1 - 2 * _coin(n, 0.5, generator, part) * horizontal
    flip_y = 1 - 2 * _coin(n, 0.5, generator, part) * vertical
    affine = torch.stack([cos * flip_x, -sin * flip_x, sin * flip_y, cos * flip_y]).repeat_interleave(counts, dim=1)
    xx, xy, yx, yy = affine.to(images.device, non_blocking=True)[:, :, None, None]
    with torch.autocast(images.device.type, enabled=False):  # coordinates in bfloat16 are half a pixel off at 512
        y, x = (_centers(side, images.device) for side in images.shape[-2:])
        y = y[:, None]
        grid = torch.empty(len(images), len(y), len(x), 2, device=images.device)
        torch.add(xx * x, xy * y, out=grid[..., 0])
        torch.add(yx * x, yy * y, out=grid[..., 1])
        return grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _centers(side: int, device: torch.device) -> Tensor:
    """(side,) coordinates of the pixels of a side that reaches from -1 to 1."""
    return (2 * torch.arange(side, device=device) + 1) / side - 1


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
    chosen = _coin(n, probability, generator, part).repeat_interleave(counts).nonzero().squeeze(1)
    factors = 1 + strength * torch.stack([_uniform(n, generator, part) for _ in range(3)])
    factors = factors.repeat_interleave(counts, dim=1)[:, chosen].to(images.device, non_blocking=True)
    brightness, contrast, saturation = factors.view(3, -1, 1, 1, 1)
    chosen = chosen.to(images.device, non_blocking=True)
    jittered = images.index_select(0, chosen).mul_(brightness).clamp_(0, 1)
    jittered = _blend(jittered, _gray(jittered).mean((2, 3), keepdim=True), contrast)
    jittered = _blend(jittered, _gray(jittered), saturation)
    return images.clamp(0, 1).index_copy_(0, chosen, jittered)


def _gray(images: Tensor) -> Tensor:
    """Luma of ITU-R BT.601 for three channels, as colour jitter is defined for pictures; one channel stays as it is."""
    if images.shape[1] == 1:
        return images
    red, green, blue = images.split(1, dim=1)
    return 0.299 * red + 0.587 * green + 0.114 * blue


def _blend(images: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    """In place; `other` may be `images` itself."""
    rest = other * (1 - factor)
    return images.mul_(factor).add_(rest).clamp_(0, 1)


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
