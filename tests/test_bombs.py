"""Defect 34: files made to fill the memory are refused, and the process that reads them stays small."""

import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from ct_files import ct_slice, save, set_pixels
from pydicom.encaps import encapsulate, get_frame
from pydicom.pixels import get_encoder
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless

from hohoho.dicom.stream import GROUP_LENGTH
from hohoho.sources.csv_rows import LONGEST_LINE

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from Linux's /proc")

MOST_KB = 1_000_000
PRINT_PEAK = r"""
import re
print(re.search(r"VmHWM:\s*(\d+) kB", open("/proc/self/status").read())[1])  # ru_maxrss counts the forking process too
"""
READ_IMAGE = (
    """
import sys
from hohoho.dicom.reader import read_frames, read_slice
from hohoho.errors import Unusable
try:
    for header in read_frames(sys.argv[1]):
        read_slice(header)
except Unusable as unusable:
    print(unusable.reason)
"""
    + PRINT_PEAK
)
READ_LABELS = (
    """
import sys
from pathlib import Path
from hohoho.errors import InputError
from hohoho.sources import course, label_csv, rsna
path = Path(sys.argv[1])
for read in (lambda: label_csv.read_labels(path, path.parent), lambda: course.read_labels(path),
             lambda: rsna.read_labels(path)):
    try:
        read()
    except InputError as error:
        print(str(error).split(": ", 1)[1])
"""
    + PRINT_PEAK
)


def told(code, path):
    """What a process of its own says of a file; fails where it grows to a gigabyte, breaks or takes long."""
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    *lines, largest_kb = done.stdout.split("\n")[:-1]
    assert int(largest_kb) < MOST_KB
    return lines


@pytest.fixture
def image():
    return ct_slice(1, 5.0)


def compressed(image, syntax):
    assert get_encoder(syntax).is_available, "uv run brings the encoders"
    set_pixels(image, np.tile(np.arange(64, dtype=np.int16), (64, 1)))
    image.compress(syntax)
    return image


def as_sent(image, frame, tmp_path):
    image.PixelData = encapsulate([frame])
    return save(image, tmp_path / "bomb")


def test_a_good_image_passes(image, tmp_path):
    assert told(READ_IMAGE, save(image, tmp_path / "image")) == []


def test_a_deflated_file_that_inflates_without_end(image, tmp_path):
    image.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    path = save(image, tmp_path / "bomb")
    whole = path.read_bytes()
    start = whole.index(GROUP_LENGTH) + 12
    meta = whole[: start + int.from_bytes(whole[start - 4 : start], "little")]
    deflater = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    zeros = deflater.compress(bytes(2**24)) + deflater.flush(zlib.Z_FULL_FLUSH)  # after which it may be repeated
    path.write_bytes(meta + zeros * 256 + deflater.flush())  # 4 GB
    assert path.stat().st_size < 2**23
    assert told(READ_IMAGE, path) == ["too_large"]


@pytest.mark.parametrize("syntax", [JPEGLSLossless, JPEG2000Lossless], ids=lambda syntax: syntax.keyword)
def test_a_compressed_frame_that_is_coded_larger_than_its_header_says(image, tmp_path, syntax):
    compressed(image, syntax)
    frame = bytearray(get_frame(image.PixelData, 0, number_of_frames=1))
    if syntax == JPEG2000Lossless:
        at = frame.index(b"\xff\x51") + 6
        frame[at : at + 8] = (60_000).to_bytes(4, "big") * 2
    else:
        at = frame.index(b"\xff\xf7") + 5
        frame[at : at + 4] = (60_000).to_bytes(2, "big") * 2
    assert told(READ_IMAGE, as_sent(image, bytes(frame), tmp_path)) == ["wrong_coded_size"]


def test_run_lengths_that_run_on(image, tmp_path):
    compressed(image, RLELossless)
    header = b"".join(number.to_bytes(4, "little") for number in [2, 64, 64 + 2**26, *[0] * 13])
    assert told(READ_IMAGE, as_sent(image, header + b"\x81\x00" * 2**26, tmp_path)) == ["too_large"]


def test_an_element_of_gigabytes(image, tmp_path):
    image.PatientID = "P" * 62 + "Q"
    path = save(image, tmp_path / "bomb")
    whole = path.read_bytes()
    at = whole.index(b"\x10\x00\x20\x00LO")
    with path.open("wb") as file:
        file.write(whole[:at] + b"\x10\x00\x20\x00UN\x00\x00" + (2**31).to_bytes(4, "little"))
        file.truncate(3 * 2**30)  # holes: the file takes no room
    assert told(READ_IMAGE, path) == ["damaged_header"]


def test_millions_of_empty_items(image, tmp_path):
    path, pixels = save(image, tmp_path / "bomb"), b"\xe0\x7f\x10\x00OW"
    items = b"\x08\x00\x40\x11SQ\x00\x00" + b"\xff" * 4 + b"\xfe\xff\x00\xe0\x00\x00\x00\x00" * 4_000_000
    path.write_bytes(path.read_bytes().replace(pixels, items + pixels))
    assert told(READ_IMAGE, path) == ["damaged_header"]


def test_a_line_of_gigabytes_in_a_label_file(tmp_path):
    path = tmp_path / "labels.csv"
    with path.open("wb") as file:
        file.write(b"ID,Label\n" + b"a" * 2**27)
    assert told(READ_LABELS, path) == [f"a line of more than {LONGEST_LINE} bytes, which is no row of labels"] * 3


def test_a_label_file_of_gigabytes(tmp_path):
    path = tmp_path / "labels.csv"
    with path.open("wb") as file:
        file.truncate(3 * 2**30)
    assert told(READ_LABELS, path) == [f"more than {2**30} bytes, which is no file of labels"] * 3
