"""Which pixels a class's logit hangs on: four methods by captum, each a map per slice.

Each takes a model of slices in evaluation mode, images (n, channels, H, W) in [0, 1] on its device, classes (n,) and,
for a `SliceInScan`, rows (n,), and returns (n, H, W) values >= 0; of the channels the largest counts (Simonyan et al.
2013, arXiv:1312.6034).
"""

import numpy as np
import torch
from captum.attr import IntegratedGradients, LayerAttribution, LayerGradCam, NoiseTunnel, Saliency
from torch import Tensor, nn

from hohoho.models.backbones import SliceClassifier, to_float
from hohoho.saliency.slice_in_scan import SliceInScan

Model = SliceClassifier | SliceInScan
BATCH, BATCH_PIXELS = 32, 2**20  # slices at once, at most this many pixels: memory grows with the picture
NOISE_SD, NOISE_SAMPLES, NOISE_SEED = 0.1, 16, 0  # SmoothGrad: part of the grey range
PATH_STEPS = 16  # integrated gradients
MIN_CAM_PX = 7  # a side of the map, as ResNet's last block has at 224 px


def gradient(model: Model, images: Tensor, classes: Tensor, rows: Tensor | None) -> Tensor:
    """The poster's: |d logit / d pixel|."""
    return _strongest(Saliency(model).attribute(images.requires_grad_(), classes, additional_forward_args=rows))


def smoothgrad(model: Model, images: Tensor, classes: Tensor, rows: Tensor | None) -> Tensor:
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
            additional_forward_args=rows,
        )
    return _strongest(noisy)


def integrated_gradients(model: Model, images: Tensor, classes: Tensor, rows: Tensor | None) -> Tensor:
    """The gradient along the way from a black picture (Sundararajan et al. 2017, arXiv:1703.01365)."""
    method = IntegratedGradients(model)
    how = {"n_steps": PATH_STEPS, "internal_batch_size": len(images)}
    return _strongest(method.attribute(images, target=classes, additional_forward_args=rows, **how))


def grad_cam(model: Model, images: Tensor, classes: Tensor, rows: Tensor | None) -> Tensor:
    """A deep block's map, its channels weighed by their gradient (Selvaraju et al. 2017, arXiv:1610.02391)."""
    method = LayerGradCam(model, cam_block(model, images.shape[-1]))
    coarse = method.attribute(images, classes, additional_forward_args=rows, relu_attributions=True)
    return LayerAttribution.interpolate(coarse, tuple(images.shape[-2:]), "bilinear").squeeze(1)


METHODS = {
    "gradient": gradient,
    "smoothgrad": smoothgrad,
    "integrated_gradients": integrated_gradients,
    "grad_cam": grad_cam,
}


def cam_block(model: Model, image_size: int) -> nn.Module:
    """The deepest of the backbone's four blocks whose map is at least 7 pixels a side, else the first."""
    deepest = max([block for block in (1, 2, 3, 4) if image_size / 2 ** (block + 1) >= MIN_CAM_PX], default=1)
    cnn = model.cnn if isinstance(model, SliceInScan) else model
    dense = cnn.settings["name"].startswith("densenet")
    return cnn.backbone.get_submodule(f"features.denseblock{deepest}" if dense else f"layer{deepest}")


def saliency_maps(
    method: str, model: Model, stacks: np.ndarray, classes: np.ndarray, device: str, rows: np.ndarray | None = None
) -> np.ndarray:
    """(n, H, W) float32 maps by one of METHODS. stacks: (n, channels, H, W) uint8; classes: (n,) index into LABELS.

    rows: (n,) of the slice table, which a `SliceInScan` asks for.
    """
    model = model.to(device).eval()
    maps = [np.empty((0, *stacks.shape[-2:]), np.float32)]
    batch = max(1, min(BATCH, BATCH_PIXELS // stacks[0, 0].size)) if len(stacks) else BATCH
    for start in range(0, len(stacks), batch):
        part = slice(start, start + batch)
        images = to_float(torch.from_numpy(stacks[part]).to(device))
        targets = torch.from_numpy(classes[part]).long().to(device)
        places = torch.from_numpy(rows[part]).long().to(device) if isinstance(model, SliceInScan) else None
        maps.append(METHODS[method](model, images, targets, places).detach().float().cpu().numpy())
    return np.concatenate(maps)


def _strongest(attributions: Tensor) -> Tensor:
    return attributions.abs().amax(dim=1)
