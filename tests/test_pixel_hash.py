"""The hash of a slice: the same wherever and however it is stored, another one for any other picture."""

import numpy as np
import pytest

from hohoho.scans.pixels import pixel_hash

SHAPES = [(512, 512), (128, 96), (17, 5), (1, 1)]


def noise(shape, seed=0):
    return np.random.default_rng(seed).integers(-1024, 3000, shape).astype(np.int16)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_change_of_any_pixel_changes_the_hash(shape):
    hu = noise(shape)
    rng, hashes = np.random.default_rng(1), {pixel_hash(hu)}
    for _ in range(50):
        changed = hu.copy()
        changed.view(np.uint16)[tuple(rng.integers(0, shape))] ^= 1 << rng.integers(0, 16)
        assert pixel_hash(changed) not in hashes
    changed = hu.copy()
    changed[-1, -1] += 1
    assert pixel_hash(changed) not in hashes


def test_pixels_in_another_order_have_another_hash():
    hu = noise((64, 64))
    others = [hu[::-1], hu[:, ::-1], hu.T, np.roll(hu, 1), np.roll(hu, 1, axis=0), hu.reshape(32, 128)]
    assert len({pixel_hash(other) for other in [hu, *others]}) == 7


def test_the_layout_in_memory_does_not_matter():
    hu = noise((64, 64))
    for same in (np.asfortranarray(hu), np.repeat(hu, 2, axis=0)[::2], hu.astype(">i2"), hu.astype(np.int32)):
        assert pixel_hash(same) == pixel_hash(hu)


def test_the_hash_is_the_same_on_every_machine():
    assert pixel_hash(np.arange(256, dtype=np.int16).reshape(16, 16)) == "b3d1d70424db3420975591b096d0a2b3"
    assert pixel_hash(np.linspace(0, 80, 64, dtype=np.float32).reshape(8, 8)) == "9ded554a0298256d3d87b39a572ca360"
