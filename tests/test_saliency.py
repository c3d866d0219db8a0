import numpy as np
import pytest
import torch

from hohoho.models.backbones import SliceClassifier, build_backbone, to_float
from hohoho.models.lstm import ScanLstm
from hohoho.saliency.methods import METHODS, cam_block, saliency_maps
from hohoho.saliency.slice_in_scan import SliceInScan
from hohoho.training.end_to_end import CnnLstm

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


@pytest.fixture(scope="module")
def scans(model):
    """Two scans of four and two slices: (stacks, what answers for a slice of them, CNN and LSTM as trained)."""
    torch.manual_seed(1)
    lstm = ScanLstm(512, 4).eval()
    stacks = np.random.default_rng(2).integers(0, 256, (6, 3, 32, 32), dtype=np.uint8)
    with torch.no_grad():
        embeddings = model.embed(to_float(torch.from_numpy(stacks))).numpy()
    return stacks, SliceInScan(model, lstm, embeddings, ["a"] * 4 + ["b"] * 2), CnnLstm(model, lstm, 0.0).eval()


def test_what_is_explained_of_a_slice_in_its_scan_is_what_the_row_answers(scans):
    stacks, in_scan, trained = scans
    images, rows = to_float(torch.from_numpy(stacks)), torch.tensor([4, 1, 5, 1, 0])
    with torch.no_grad():
        expected = trained(images, torch.tensor([4, 2]))[rows]
        assert torch.allclose(in_scan(images[rows], rows), expected, atol=1e-5)


def test_the_saliency_of_a_slice_in_its_scan_is_the_gradient_of_the_rows_logit(scans):
    stacks, in_scan, _ = scans
    rows, classes, gradients = np.array([5, 2]), np.array([1, 3]), []
    for row, label in zip(rows, classes, strict=True):
        image = to_float(torch.from_numpy(stacks[row : row + 1])).requires_grad_()
        start, end = (0, 4) if row < 4 else (4, 6)
        scan = torch.tensor(in_scan.embeddings[start:end])
        scan[row - start] = 0
        scan = scan + torch.eye(end - start)[:, row - start, None] * in_scan.cnn.embed(image)
        in_scan.lstm(scan[None], torch.tensor([end - start]))[0, row - start, label].backward()
        gradients.append(image.grad.abs().amax(1)[0].numpy())
    found = saliency_maps("gradient", in_scan, stacks[rows], classes, "cpu", rows)
    np.testing.assert_allclose(found, gradients, rtol=1e-2, atol=0.01 * found.max())


@pytest.mark.parametrize("method", METHODS)
def test_every_method_explains_slices_in_their_scans(scans, method):
    stacks, in_scan, _ = scans
    rows = np.array([5, 2, 0])
    maps = saliency_maps(method, in_scan, stacks[rows], CLASSES, "cpu", rows)
    alone = saliency_maps(method, in_scan, stacks[rows[1:2]], CLASSES[1:2], "cpu", rows[1:2])
    assert maps.shape == (3, 32, 32) and np.isfinite(maps).all() and maps.any(axis=(1, 2)).all()
    if method != "smoothgrad":  # whose noise is drawn for a batch
        np.testing.assert_allclose(maps[1], alone[0], rtol=1e-2, atol=0.01 * maps[1].max())


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
