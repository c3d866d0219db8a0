"""What a header says of unit and bits: what is certainly no HU is refused, what only may be none is told."""

import numpy as np
import pytest
from ct_files import SIDE, ct_slice, save, set_pixels

from hohoho.dicom.reader import read_frames, read_slice
from hohoho.errors import Unusable


@pytest.fixture
def image():
    return ct_slice(1, 5.0)


def read_header(path):
    return read_frames(path)[0]


def flat(*values):
    """A picture whose first row is `values`, all else 20."""
    stored = np.full((SIDE, SIDE), 20, np.int16)
    stored[0, : len(values)] = values
    return stored


@pytest.mark.parametrize("unit", ["Z_EFF", "MGML", "ED", "EDW", "PCT", "OD", "pct "])
def test_maps_in_another_unit_than_hu_are_refused(image, tmp_path, unit):
    image.RescaleType = unit
    with pytest.raises(Unusable) as caught:
        read_header(save(image, tmp_path / "file"))
    assert caught.value.reason == "not_hu"


@pytest.mark.parametrize(("unit", "warnings"), [("HU", ()), ("US", ()), ("", ()), ("HU_MOD", ("rescale_type_not_hu",))])
def test_a_rescale_type_that_only_may_be_something_else_is_warned_of(image, tmp_path, unit, warnings):
    image.RescaleType = unit
    assert read_header(save(image, tmp_path / "file")).warnings == warnings


@pytest.mark.parametrize(
    ("stored", "high", "is_odd"), [(12, 11, False), (16, 15, False), (12, 15, True), (16, 11, True), (10, 11, True)]
)
def test_bits_that_do_not_sit_where_bits_stored_says_are_warned_of(image, tmp_path, stored, high, is_odd):
    image.BitsStored, image.HighBit = stored, high
    header = read_header(save(image, tmp_path / "file"))
    assert header.warnings == ("unusual_high_bit",) * is_odd


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
@pytest.mark.parametrize("kind", [np.int16, np.uint16])
def test_values_beyond_bits_stored_are_cut_off_and_told(image, tmp_path, bits, kind):
    lowest, highest = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if kind == np.int16 else (0, 2**bits - 1)
    for values, told in [((lowest, highest), ()), ((highest, 2**bits + 5), ("values_beyond_bits_stored",))]:
        stored = np.full((SIDE, SIDE), 20, kind)
        stored[0, :2] = values
        set_pixels(image, stored)
        image.BitsStored, image.HighBit, image.RescaleIntercept = bits, bits - 1, "-200"
        hu, repairs = read_slice(read_header(save(image, tmp_path / "file")))
        assert repairs == told
        expected = [value % 2**bits for value in values]
        expected = [value - 2**bits if kind == np.int16 and value > highest else value for value in expected]
        assert hu[0, :2].tolist() == [max(value - 200, -1024) for value in expected]


def test_a_sign_that_is_not_drawn_out_to_the_unused_bits_loses_nothing(image, tmp_path):
    set_pixels(image, np.where(flat(-1000, 40) < 0, flat(-1000, 40) + 4096, flat(-1000, 40)).astype(np.int16))
    image.BitsStored, image.HighBit = 12, 11
    hu, repairs = read_slice(read_header(save(image, tmp_path / "file")))
    assert hu[0, :2].tolist() == [-1000, 40] and repairs == ()


@pytest.mark.parametrize("bits", [11, 12, 13, 14])
def test_metal_beyond_the_largest_signed_value_is_told_where_negative_values_fill_the_word(image, tmp_path, bits):
    set_pixels(image, flat(-1000, 2 ** (bits - 1) + 50, 40))
    image.BitsStored, image.HighBit = bits, bits - 1
    hu, repairs = read_slice(read_header(save(image, tmp_path / "file")))
    assert hu[0, 0] == -1000 and hu[0, 1] < 0 and repairs == ("values_beyond_bits_stored",)


def test_bone_that_a_wrong_sign_puts_below_air_is_told_and_one_value_of_padding_is_not(image, tmp_path):
    for values, told in [((24, 2100, 2300), ("values_beyond_bits_stored",)), ((24, 2096, 2096), ())]:
        set_pixels(image, flat(*values))
        image.BitsStored, image.HighBit, image.RescaleIntercept = 12, 11, "-1024"
        assert read_slice(read_header(save(image, tmp_path / "file")))[1] == told


@pytest.mark.parametrize("high", [11, 15])
def test_values_at_the_upper_end_of_their_words_are_refused(image, tmp_path, high):
    set_pixels(image, np.random.default_rng(0).integers(0, 3000, (SIDE, SIDE), np.uint16) << 4)
    image.BitsStored, image.HighBit, image.RescaleIntercept = 12, high, "-1024"
    with pytest.raises(Unusable) as caught:
        read_slice(read_header(save(image, tmp_path / "file")))
    assert caught.value.reason == "misplaced_bits"


@pytest.mark.parametrize("padding", [-2000, -32768, 5000])
def test_padding_beyond_bits_stored_is_padding_and_nothing_else(image, tmp_path, padding):
    set_pixels(image, flat(padding, 40))
    image.BitsStored, image.HighBit = 11, 10
    image.add_new("PixelPaddingValue", "SS", padding)
    hu, repairs = read_slice(read_header(save(image, tmp_path / "file")))
    assert hu[0, :2].tolist() == [-1024, 40] and repairs == ("padding",)
