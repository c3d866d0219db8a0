import numpy as np
import pytest
import torch

from hohoho.models.backbones import SliceClassifier, build_backbone
from hohoho.saliency.methods import METHODS, cam_block, saliency_maps

STACKS = np.random.default_rng(0).integers(0, 256, (3, 3, 32, 32), dtype=np.uint8)
CLASSES = np.array([0, 3, 4])


def classifier(name="resnet18", channels=3):
    torch.manual_seed(0)
    backbone = build_backbone(name, channels)
    return SliceClassifier(name, backbone, [0.5] * channels, [0.5] * channels, 0.5).eval()


@pytest.fixture(scope="module")
def model():
    return classifier()


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_a_finite_map_that_is_never_negative(model, method):
    maps = saliency_maps(method, model, STACKS, CLASSES, "cpu")
    assert maps.shape == (3, 32, 32)
    assert np.isfinite(maps).all()
    assert (maps >= 0).all()
    assert maps.any()


def test_the_posters_saliency_is_the_gradient_of_the_class_logit(model):
    image = (torch.from_numpy(STACKS[1:2]).float() / 255).requires_grad_()
    model(image)[0, CLASSES[1]].backward()
    expected = image.grad.abs().amax(1)[0].numpy()
    np.testing.assert_allclose(
        saliency_maps("gradient", model, STACKS, CLASSES, "cpu")[1], expected, rtol=1e-3, atol=1e-6
    )


def test_smoothgrad_is_repeatable_and_leaves_the_global_generator_alone(model):
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    first = saliency_maps("smoothgrad", model, STACKS, CLASSES, "cpu")
    assert torch.equal(torch.rand(1), expected)
    assert np.array_equal(first, saliency_maps("smoothgrad", model, STACKS, CLASSES, "cpu"))


def test_a_black_picture_has_no_integrated_gradient(model):
    assert not saliency_maps("integrated_gradients", model, np.zeros_like(STACKS), CLASSES, "cpu").any()


def test_one_channel_and_no_slice_are_welcome():
    gray = classifier(channels=1)
    assert saliency_maps("gradient", gray, STACKS[:, :1], CLASSES, "cpu").shape == (3, 32, 32)
    assert saliency_maps("gradient", gray, STACKS[:0, :1], CLASSES[:0], "cpu").shape == (0, 32, 32)


@pytest.mark.parametrize(("name", "prefix"), [("resnet18", "layer"), ("densenet121", "features.denseblock")])
@pytest.mark.parametrize(("image_size", "block"), [(32, 1), (64, 2), (224, 4), (512, 4), (16, 1)])
def test_grad_cam_takes_the_deepest_block_of_at_least_seven_pixels(name, prefix, image_size, block):
    network = classifier(name)
    assert cam_block(network, image_size) is network.backbone.get_submodule(f"{prefix}{block}")
