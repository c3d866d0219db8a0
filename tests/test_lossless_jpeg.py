"""Lossless JPEG, written here bit by bit: every predictor is read, and no picture of other bits than are there."""

import random

import numpy as np
import pytest
from ct_files import ct_slice, save, set_pixels
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGLossless

from hohoho.dicom.reader import read_frames, read_hu
from hohoho.errors import Unusable

CODE_BITS = 5  # of every category's code: its own number
COUNTS = [0, 0, 0, 0, 17] + [0] * 11
TABLE = bytes([0xFF, 0xC4, 0, 19 + 17, 0, *COUNTS, *range(17)])


def predict(x, row, column, predictor, first):
    """T.81 H.1.2.1, sample by sample."""
    if row == column == 0:
        return first
    if row == 0:
        return x[row][column - 1]
    if column == 0:
        return x[row - 1][column]
    a, b, c = x[row][column - 1], x[row - 1][column], x[row - 1][column - 1]
    return [a, b, c, a + b - c, a + ((b - c) >> 1), b + ((a - c) >> 1), (a + b) >> 1][predictor - 1]


def coded(x, predictor, precision, shift):
    """Bits of all samples as text."""
    x, bits = (x >> shift).tolist(), []
    for row in range(len(x)):
        for column in range(len(x[0])):
            off = (x[row][column] - predict(x, row, column, predictor, 1 << (precision - shift - 1))) % 2**16
            off -= 2**16 if off > 2**15 else 0
            size = abs(off).bit_length()
            rest = off if off > 0 else off + 2**size - 1
            bits.append(f"{size:0{CODE_BITS}b}" + (f"{rest:0{size}b}" if 0 < size < 16 else ""))
    return "".join(bits)


def lossless_jpeg(x, predictor, precision, shift, bits=None):
    bits = bits or coded(x, predictor, precision, shift)
    bits += "1" * (-len(bits) % 8)
    data = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    rows, columns = (size.to_bytes(2, "big") for size in x.shape)
    frame = b"\xff\xc3\0\x0b" + bytes([precision]) + rows + columns + b"\x01\x01\x11\0"
    return b"\xff\xd8" + TABLE + frame + b"\xff\xda\0\x08\x01\x01\0" + bytes([predictor, 0, shift]) + data + b"\xff\xd9"


def picture(precision, seed=0):
    rng = np.random.default_rng(seed)
    smooth = np.add.outer(np.arange(20) * 3, np.arange(28) * 5) + rng.integers(0, 40, (20, 28))
    smooth[5:8, 9:20] = 2**precision - 1 - rng.integers(0, 9, (3, 11))
    return smooth % 2**precision


def file_of(x, frame, precision, path):
    image = ct_slice(1, 5.0)
    set_pixels(image, x.astype(np.uint16))
    image.BitsStored, image.HighBit, image.RescaleIntercept = precision, precision - 1, "-1000"
    image.file_meta.TransferSyntaxUID = JPEGLossless
    image.PixelData, image["PixelData"].VR = encapsulate([frame]), "OB"
    return save(image, path)


@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize(("precision", "shift"), [(16, 0), (12, 0), (10, 0), (12, 1)])
def test_every_predictor_is_read(tmp_path, predictor, precision, shift):
    x = picture(precision)
    path = file_of(x, lossless_jpeg(x, predictor, precision, shift), precision, tmp_path / "file")
    hu = read_hu(read_frames(path)[0])
    assert np.array_equal(hu, np.minimum((x >> shift << shift) - 1000, 32767))


@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize("surplus", [-400, -41, -16, 8, 9, 40])
def test_a_picture_of_more_or_fewer_bits_than_are_there_is_refused(tmp_path, predictor, surplus):
    x, dice = picture(12), random.Random(surplus)
    bits = coded(x, predictor, 12, 0)
    bits = bits[:surplus] if surplus < 0 else bits + "1" * (-len(bits) % 8) + "".join(dice.choices("01", k=surplus))
    path = file_of(x, lossless_jpeg(x, predictor, 12, 0, bits), 12, tmp_path / "file")
    with pytest.raises(Unusable) as caught:
        read_hu(read_frames(path)[0])
    assert caught.value.reason == "undecodable_pixels"
