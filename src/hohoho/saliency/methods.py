"""Which pixels a class's logit hangs on: four methods by captum, each a map per slice.

Each takes the slice classifier in evaluation mode, images (n, channels, H, W) in [0, 1] on its device and classes (n,),
and returns (n, H, W) values >= 0; of the channels the largest counts (Simonyan et al. 2013, arXiv:1312.6034).
"""

import numpy as np
import torch
from captum.attr import IntegratedGradients, LayerAttribution, LayerGradCam, NoiseTunnel, Saliency
from torch import Tensor, nn

from hohoho.models.backbones import SliceClassifier, to_unit

BATCH, BATCH_PIXELS = 32, 2**20  # slices at once, at most this many pixels: memory grows with the picture
NOISE_SD, NOISE_SAMPLES, NOISE_SEED = 0.1, 16, 0  # SmoothGrad: part of the grey range
PATH_STEPS = 16  # integrated gradients
MIN_CAM_PX = 7  # a side of the map, as ResNet's last block has at 224 px


def gradient(model: SliceClassifier, images: Tensor, classes: Tensor) -> Tensor:
    """The poster's: |d logit / d pixel|."""
    return _strongest(Saliency(model).attribute(images.requires_grad_(), classes))


def smoothgrad(model: SliceClassifier, images: Tensor, classes: Tensor) -> Tensor:
    """The gradient's mean over noisy copies (Smilkov et al. 2017, arXiv:1706.03825)."""
    tunnel = NoiseTunnel(Saliency(model))
    with torch.random.fork_rng():  # captum draws from the global generator: lend it a seeded one
        torch.manual_seed(NOISE_SEED)
        noisy = tunnel.attribute(
            images.requires_grad_(),
            nt_type="smoothgrad",
            nt_samples=NOISE_SAMPLES,
            nt_samples_batch_size=1,
            stdevs=NOISE_SD,
            target=classes,
            abs=False,
        )
    return _strongest(noisy)


def integrated_gradients(model: SliceClassifier, images: Tensor, classes: Tensor) -> Tensor:
    """The gradient along the way from a black picture (Sundararajan et al. 2017, arXiv:1703.01365)."""
    method = IntegratedGradients(model)
    return _strongest(method.attribute(images, target=classes, n_steps=PATH_STEPS, internal_batch_size=len(images)))


def grad_cam(model: SliceClassifier, images: Tensor, classes: Tensor) -> Tensor:
    """A deep block's map, its channels weighed by their gradient (Selvaraju et al. 2017, arXiv:1610.02391)."""
    coarse = LayerGradCam(model, cam_block(model, images.shape[-1])).attribute(images, classes, relu_attributions=True)
    return LayerAttribution.interpolate(coarse, tuple(images.shape[-2:]), "bilinear").squeeze(1)


METHODS = {
    "gradient": gradient,
    "smoothgrad": smoothgrad,
    "integrated_gradients": integrated_gradients,
    "grad_cam": grad_cam,
}


def cam_block(model: SliceClassifier, image_size: int) -> nn.Module:
    """The deepest of the backbone's four blocks whose map is at least 7 pixels a side, else the first."""
    deepest = max([block for block in (1, 2, 3, 4) if image_size / 2 ** (block + 1) >= MIN_CAM_PX], default=1)
    dense = model.settings["name"].startswith("densenet")
    return model.backbone.get_submodule(f"features.denseblock{deepest}" if dense else f"layer{deepest}")


def saliency_maps(
    method: str, model: SliceClassifier, stacks: np.ndarray, classes: np.ndarray, device: str
) -> np.ndarray:
    """(n, H, W) float32 maps by one of METHODS. stacks: (n, channels, H, W) uint8; classes: (n,) index into LABELS."""
    model = model.to(device).eval()
    maps = [np.empty((0, *stacks.shape[-2:]), np.float32)]
    batch = max(1, min(BATCH, BATCH_PIXELS // stacks[0, 0].size)) if len(stacks) else BATCH
    for start in range(0, len(stacks), batch):
        images = to_unit(torch.from_numpy(stacks[start : start + batch]).to(device))
        targets = torch.from_numpy(classes[start : start + batch]).long().to(device)
        maps.append(METHODS[method](model, images, targets).detach().float().cpu().numpy())
    return np.concatenate(maps)


def _strongest(attributions: Tensor) -> Tensor:
    return attributions.abs().amax(dim=1)
