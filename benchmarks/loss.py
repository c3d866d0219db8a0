"""The asymmetric loss against a plain transcription of its paper: time, error of the gradient, half precision.

`uv run python benchmarks/loss.py`: forward and backward on the CPU, in turns, by one thread (so small a loss gains
nothing from two); the gradient error of each element, relative to itself, for logits within 50, against float64.
"""

import math

import torch
from timing import clock_of, in_turns, options, table
from torch import Tensor
from torch.nn.functional import logsigmoid

from hohoho.models.losses import AsymmetricLoss

SETTINGS = [(0, 2, 0.05), (1, 4, 0.05), (2, 2, 0), (0, 0, 0)]  # gamma_pos, gamma_neg, margin
SHAPES = [(64, 5), (4096, 5)]
CALLS = 100  # a round


def transcription(z: Tensor, y: Tensor, gamma_pos: float, gamma_neg: float, m: float, eps: float = 1e-8) -> Tensor:
    """Equations 4 to 7 of arXiv:2009.14119, letter by letter; probabilities are kept off 0 inside the logarithms."""
    p = torch.sigmoid(z)
    p_m = (p - m).clamp(min=0)
    positive = (1 - p) ** gamma_pos * torch.log(p.clamp(min=eps))
    negative = p_m**gamma_neg * torch.log((1 - p_m).clamp(min=eps))
    return -(y * positive + (1 - y) * negative).sum()


def exact_gradient(z: Tensor, y: Tensor, gamma_pos: float, gamma_neg: float, m: float) -> Tensor:
    """dL/dz by hand, float64."""
    p, q = torch.sigmoid(z), torch.sigmoid(-z)
    positive = q**gamma_pos * (q - gamma_pos * p * logsigmoid(z))
    p_m = (p - m).clamp(min=0) if m else p
    log_term = torch.where(p > 0.5, torch.log(q + m), torch.log1p(-p_m))
    negative = p * q * (gamma_neg * p_m ** (gamma_neg - 1) * log_term - p_m**gamma_neg / (q + m))
    return -(y * positive + (1 - y) * torch.where(p_m > 0, negative, 0.0))


def gradient_error(loss, setting: tuple, dtype: torch.dtype = torch.float32) -> float:
    """The largest error of an element's gradient by its own size; NaN where a loss or a gradient is not finite."""
    worst = 0.0
    for target in (0.0, 1.0):
        z = torch.linspace(-50, 50, 100_001).to(dtype).requires_grad_()
        y = torch.full_like(z, target)
        value = loss(z, y)
        (gradient,) = torch.autograd.grad(value, z)
        exact = exact_gradient(z.detach().double(), y.double(), *setting)
        told = exact.abs() > 1e-30  # float32 ends at 1e-38
        error = ((gradient.double() - exact).abs() / exact.abs())[told].max().item()
        worst = max(worst, error) if math.isfinite(value.item()) and torch.isfinite(gradient).all() else math.nan
    return worst


def main() -> None:
    """Print the errors, then the times."""
    parser = options(__doc__, rounds=40)
    parser.set_defaults(threads=1)
    clock = clock_of(given := parser.parse_args())
    generator = torch.Generator().manual_seed(0)
    for setting in SETTINGS:
        losses = {
            "hohoho": AsymmetricLoss(*setting),
            "transcription": lambda z, y, setting=setting: transcription(z, y, *setting),
        }
        print("\ngamma_pos {}, gamma_neg {}, margin {}".format(*setting))
        for name, loss in losses.items():
            error = gradient_error(loss, setting)
            halves = [gradient_error(loss, setting, dtype) for dtype in (torch.float16, torch.bfloat16)]
            finite = ["finite" if math.isfinite(half) else "not finite" for half in halves]
            print(f"{name:14} gradient error {error:.1e} in float32; float16 {finite[0]}, bfloat16 {finite[1]}")
        for shape in SHAPES:
            z = (3 * torch.randn(shape, generator=generator)).requires_grad_()
            y = (torch.rand(shape, generator=generator) < 0.2).float()
            calls = {
                f"{name} {shape}": lambda loss=loss, z=z, y=y: [loss(z, y).backward() for _ in range(CALLS)]
                for name, loss in losses.items()
            }
            print(table(in_turns(calls, given.rounds, clock, warm_up=3), CALLS, "calls"))


if __name__ == "__main__":
    main()
