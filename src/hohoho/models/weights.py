"""Weights on disk: safetensors, never pickle."""

from pathlib import Path

from safetensors.torch import save_file
from torch import nn

from hohoho.files import atomic


def save_weights(path: Path, module: nn.Module) -> None:
    """Write a module's weights as safetensors."""
    with atomic(path) as temporary:
        save_file({name: value.contiguous() for name, value in module.state_dict().items()}, temporary)
