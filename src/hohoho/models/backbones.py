"""Slice classifiers: a torchvision backbone without its head, and ours on top."""

import json
from pathlib import Path
from urllib.error import URLError

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision import models

from hohoho.errors import InputError
from hohoho.files import write_json
from hohoho.labels import LABELS
from hohoho.models.weights import save_weights

PRIOR_LOGIT = -2.0  # bleeds are rare: starting near their rate saves the first epoch
FIRST_CONVOLUTION = {"resnet18": "conv1", "resnet34": "conv1", "resnet50": "conv1", "densenet121": "features.conv0"}


def build_backbone(name: str, channels: int, imagenet: bool = False) -> nn.Module:
    """A torchvision backbone that maps (slices, channels, H, W) to (slices, num_features), its own head taken off.

    `num_features` is an attribute: 512 for ResNet-18 and -34, 2048 for ResNet-50, 1024 for DenseNet-121.
    Weights are random from torch's generator, or ImageNet's where asked for. Where the input is not three channels, the
    first convolution is a new one. Raises `InputError` where ImageNet weights cannot be fetched.
    """
    backbone = _imagenet(name) if imagenet else models.get_model(name, weights=None)
    head = "classifier" if name.startswith("densenet") else "fc"
    backbone.num_features = getattr(backbone, head).in_features
    setattr(backbone, head, nn.Identity())
    if channels != 3:
        old = backbone.get_submodule(FIRST_CONVOLUTION[name])
        new = nn.Conv2d(channels, old.out_channels, old.kernel_size, old.stride, old.padding, bias=False)
        backbone.set_submodule(FIRST_CONVOLUTION[name], new)
    return backbone


def _imagenet(name: str) -> nn.Module:
    weights = models.get_model_weights(name).IMAGENET1K_V1
    try:
        return models.get_model(name, weights=weights)
    except (URLError, OSError, RuntimeError) as error:
        raise InputError(
            f"ImageNet weights for {name} cannot be fetched from {weights.url} ({error}). Put that file into "
            f"{Path(torch.hub.get_dir()) / 'checkpoints'} yourself, or start without it: -S backbone.start=random"
        ) from None


class Embedder(nn.Module):
    """Normalisation and backbone: images (slices, channels, H, W) in [0, 1]. mean, std: per channel."""

    def __init__(self, backbone: nn.Module, mean: list[float], std: list[float]):
        super().__init__()
        self.backbone = backbone
        self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(-1, 1, 1))

    def embed(self, images: Tensor) -> Tensor:
        """(slices, features), before any head."""
        normalised = (images - self.mean).div_(self.std)
        return self.backbone(normalised.contiguous(memory_format=torch.channels_last))


class SliceClassifier(Embedder):
    """Images in [0, 1] in, five logits out. name: of the backbone. precision: that it is trained in."""

    def __init__(
        self,
        name: str,
        backbone: nn.Module,
        mean: list[float],
        std: list[float],
        dropout: float,
        precision: str = "32-true",
    ):
        super().__init__(backbone, mean, std)
        self.settings = {"name": name, "channels": len(mean), "dropout": dropout, "precision": precision}
        self.head = nn.Sequential(nn.Dropout(dropout), nn.ReLU(), nn.Linear(backbone.num_features, len(LABELS)))
        nn.init.constant_(self.head[-1].bias, PRIOR_LOGIT)

    def forward(self, images: Tensor) -> Tensor:
        """(slices, 5) logits."""
        return self.head(self.embed(images))


def to_float(images: Tensor) -> Tensor:
    """uint8 images as float in [0, 1]."""
    return images.to(torch.float32, copy=True).div_(255)


def save_classifier(folder: Path, model: SliceClassifier) -> None:
    """Write weights and the settings to rebuild them."""
    save_weights(folder / "model.safetensors", model)
    write_json(folder / "model.json", model.settings)


def load_classifier(folder: Path) -> SliceClassifier:
    """The classifier as saved, in evaluation mode."""
    weights = load_file(folder / "model.safetensors")
    mean, std = weights["mean"].flatten().tolist(), weights["std"].flatten().tolist()
    settings = json.loads((folder / "model.json").read_text())
    backbone = build_backbone(settings["name"], settings["channels"])
    model = SliceClassifier(settings["name"], backbone, mean, std, settings["dropout"], settings["precision"])
    model.load_state_dict(weights)
    return model.eval()
