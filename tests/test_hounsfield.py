"""Stored values → HU in 16 bits: the same as in plain arithmetic, for every value that a file can hold."""

import numpy as np
import pytest

from hohoho.dicom.hounsfield import PixelFormat, to_hu

EVERY_WORD = np.arange(2**16, dtype=np.uint16).reshape(256, 256)


@pytest.mark.parametrize("intercept", [0, -1024, 1, 1000, -8192, 32767, -32767, 40_000, -40_000, 0.5])
@pytest.mark.parametrize("kind", ["i2", "u2"])
def test_every_stored_value_becomes_its_hu_within_the_limits(kind, intercept):
    stored = EVERY_WORD.view(kind)
    hu, repairs = to_hu(stored, PixelFormat(256, 256, f"<{kind}", 16, 1.0, intercept, None, None))
    assert np.array_equal(hu, np.clip(np.rint(stored.astype(float) + intercept), -1024, 32767))
    assert hu.dtype == np.int16 and repairs == ()


@pytest.mark.parametrize("padding", [(-2000, -2000), (-2000, -1500), (-1024, -1024), (30, 30), (3000, 3071)])
@pytest.mark.parametrize(("slope", "intercept"), [(1, 0), (1, -1024), (1, 1024), (-1, 0), (0.5, 3)])
def test_padding_is_air_and_nothing_else_changes(padding, slope, intercept):
    stored = EVERY_WORD.view(np.int16)
    hu, repairs = to_hu(stored, PixelFormat(256, 256, "<i2", 16, slope, intercept, padding, None))
    expected = np.clip(np.rint(stored.astype(float) * slope + intercept), -1024, 32767)
    expected[(stored >= padding[0]) & (stored <= padding[1])] = -1024
    assert np.array_equal(hu, expected)
    assert repairs == ("padding",)
