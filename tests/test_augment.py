import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision.transforms import functional as reference

from hohoho.training.augment import Augmentation, augment, color_jitter, rotate_and_flip


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def images(n=6, channels=3, size=16):
    return torch.rand(n, channels, size, size, generator=generator(9))


def test_nothing_asked_for_is_nothing_done():
    still = Augmentation(rotation_deg=0, flip=False, jitter=0, jitter_probability=1)
    assert torch.allclose(augment(images(), still, generator()), images(), atol=1e-5)


def test_the_same_generator_state_gives_the_same_images():
    how = Augmentation(rotation_deg=30, flip=True, jitter=0.2, jitter_probability=0.4)
    assert torch.equal(augment(images(), how, generator(3)), augment(images(), how, generator(3)))
    assert not torch.equal(augment(images(), how, generator(3)), augment(images(), how, generator(4)))


def test_a_flip_mirrors_half_of_the_slices_exactly():
    flipped = rotate_and_flip(images(64), 0, True, False, generator())
    mirrored = [torch.allclose(a, b.flip(-1), atol=1e-5) for a, b in zip(flipped, images(64), strict=True)]
    same = [torch.allclose(a, b, atol=1e-5) for a, b in zip(flipped, images(64), strict=True)]
    assert sum(mirrored) + sum(same) == 64
    assert 16 < sum(mirrored) < 48


def test_vertical_flips_are_drawn_beside_horizontal_ones():
    how = Augmentation(rotation_deg=0, flip=True, jitter=0, jitter_probability=0, flip_vertical=True)
    flipped, kinds = augment(images(64), how, generator()), [[], [-1], [-2], [-2, -1]]
    counts = [
        sum(torch.allclose(a, b.flip(axes), atol=1e-5) for a, b in zip(flipped, images(64), strict=True))
        for axes in kinds
    ]
    assert sum(counts) == 64
    assert min(counts) > 4


def test_rotation_stays_within_its_range_keeps_the_center_and_fills_with_air():
    disc = torch.zeros(200, 1, 33, 33)
    disc[:, :, 16, 30] = 1  # a dot east of the center
    turned = rotate_and_flip(disc, 20, False, False, generator())
    rows, columns = turned.flatten(2).argmax(-1).squeeze(1) // 33, turned.flatten(2).argmax(-1).squeeze(1) % 33
    angle = torch.rad2deg(torch.atan2(rows - 16.0, columns - 16.0))
    assert angle.abs().max() <= 23  # a pixel is 4 degrees wide there
    assert angle.min() < -12
    assert angle.max() > 12
    corners = rotate_and_flip(torch.ones(200, 1, 33, 33), 20, False, False, generator())[:, 0, 0, 0]
    assert corners.min() == 0


def test_jitter_equals_torchvisions_brightness_contrast_and_saturation():
    jittered = color_jitter(images(), 0.3, 1.0, generator(5))
    draw = generator(5)
    torch.rand(6, generator=draw)  # the coins
    factors = [1 + 0.3 * (2 * torch.rand(6, generator=draw) - 1) for _ in range(3)]
    for i, image in enumerate(images()):
        expected = reference.adjust_brightness(image, float(factors[0][i]))
        expected = reference.adjust_contrast(expected, float(factors[1][i]))
        expected = reference.adjust_saturation(expected, float(factors[2][i]))
        assert torch.allclose(jittered[i], expected, atol=2e-3)  # theirs rounds the luma weights


@pytest.mark.parametrize("channels", [1, 3])
def test_jitter_leaves_the_other_slices_alone(channels):
    original = images(200, channels)
    changed = (color_jitter(original, 0.5, 0.4, generator()) != original).flatten(1).any(1).float().mean()
    assert 0.3 < changed < 0.5


def test_coordinates_stay_exact_under_mixed_precision():
    wide = torch.rand(2, 1, 512, 512, generator=generator(1))
    exact = rotate_and_flip(wide, 20, True, False, generator())
    with torch.autocast("cpu", torch.bfloat16):
        mixed = rotate_and_flip(wide, 20, True, False, generator())
    assert torch.equal(exact, mixed)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.integers(0, 99))
def test_a_scan_is_mirrored_turned_and_jittered_as_one(counts, seed):
    how = Augmentation(rotation_deg=90, flip=True, jitter=0.3, jitter_probability=0.5, flip_vertical=True)
    firsts = images(len(counts), size=8)
    scans = torch.tensor(counts)
    together = augment(firsts.repeat_interleave(scans, dim=0), how, generator(seed), scans)
    for scan, alone in zip(together.split(counts), augment(firsts, how, generator(seed)), strict=True):
        assert torch.allclose(scan, alone.expand_as(scan), atol=1e-6)


def test_two_scans_are_drawn_apart():
    how = Augmentation(rotation_deg=90, flip=True, jitter=0.3, jitter_probability=0.5)
    one = images(1).expand(40, -1, -1, -1)
    first, second = augment(one, how, generator(), torch.tensor([20, 20])).split(20)
    assert not torch.allclose(first, second, atol=1e-3)


def test_slices_of_no_scan_are_drawn_one_by_one():
    how = Augmentation(rotation_deg=30, flip=True, jitter=0.2, jitter_probability=0.4)
    each = augment(images(), how, generator(3), torch.ones(6, dtype=torch.int64))
    assert torch.equal(augment(images(), how, generator(3)), each)
