"""models/init/: where a backbone starts from – a descriptor, or SimCLR's weights beside it."""

import json
from pathlib import Path

from safetensors.torch import load_file
from torch import nn

from hohoho.files import write_json
from hohoho.models.backbones import build_backbone
from hohoho.models.weights import save_weights


def save_initial_backbone(folder: Path, backbone: nn.Module, precision: str, ranks: int = 1) -> None:
    """Write SimCLR's weights and their descriptor.

    precision: that they were trained in. ranks: that shared each batch, and took their negatives from their own part.
    """
    shared = {"ranks": ranks} if ranks > 1 else {}
    write_json(folder / "start.json", {"start": "simclr", "precision": precision, **shared})
    save_weights(folder / "backbone.safetensors", backbone)


def load_initial_backbone(folder: Path, name: str, channels: int) -> nn.Module:
    """A backbone that starts as models/init says. Raises `InputError` where ImageNet weights cannot be fetched."""
    start = json.loads((folder / "start.json").read_text())["start"]
    backbone = build_backbone(name, channels, imagenet=start == "imagenet")
    if start == "simclr":
        backbone.load_state_dict(load_file(folder / "backbone.safetensors"))
    return backbone
