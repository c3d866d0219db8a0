"""Damage at random: whatever the bytes, a file is read or refused for one reason, soon, and never with a traceback."""

import random
import signal
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pydicom
import pytest
from ct_files import KEY, ct_study, enhanced, save, set_pixels
from inventories import find
from pydicom.pixels import get_encoder
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from hohoho.dicom.reader import MissingCodec, read_frames, read_slice
from hohoho.errors import Unusable
from hohoho.ingest.report import report_lines

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # of pydicom, about the damage
COPIES, PATIENCE_S = 1000, 10
FRAMES = 1  # the place of the good file that holds a whole study
SYNTAXES = [ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, RLELossless]
SYNTAXES += [syntax for syntax in (JPEGLSLossless, JPEG2000Lossless) if get_encoder(syntax).is_available]
SHIPPED = sorted(path for path in Path(pydicom.__file__).parent.glob("data/**/*") if path.is_file())


@contextmanager
def patience():
    """Breaks off what takes too long."""

    def give_up(*_):
        raise TimeoutError(f"more than {PATIENCE_S} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(PATIENCE_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def outcome(path):
    """Why a file is refused, "read" where it is not; whatever else is raised goes through."""
    with patience():
        try:
            for header in read_frames(path):
                hu, _ = read_slice(header)
                assert hu.dtype == np.int16 and hu.shape == (header.pixels.rows, header.pixels.columns)
                assert hu.min() >= -1024
        except Unusable as unusable:
            return unusable.reason
        except MissingCodec:
            return "missing_codec"
    return "read"


def skipped_lines(folder):
    """Lines of the report that say why the one image in a folder, which is no series, is left out."""
    inventory = find(folder)
    lines = report_lines(inventory.notes, {}, KEY, inventory.root)
    return (lines["action"] == "skipped").sum()


def good_files(folder):
    """One file of every way to write the same pictures, native, compressed and as frames."""
    rng = np.random.default_rng(0)
    images = ct_study(3)
    for image in images:
        set_pixels(image, rng.integers(-1000, 2000, (64, 64), dtype=np.int16))
    wholes = {"explicit": images[0], "enhanced": enhanced(images)}
    paths = [save(whole, folder / name) for name, whole in wholes.items()]
    for syntax in SYNTAXES[1:]:
        image = pydicom.dcmread(folder / "explicit")
        if syntax.is_compressed and not syntax.is_deflated:
            image.compress(syntax)
        image.file_meta.TransferSyntaxUID = syntax
        paths.append(folder / syntax.keyword)
        image.save_as(paths[-1], implicit_vr=syntax.is_implicit_VR, little_endian=True)
    return paths


def damaged(content, dice):
    """A copy with some bytes changed, a bit flipped, a piece cut out or doubled, or the end cut off."""
    copy, at = bytearray(content), dice.randrange(len(content))
    near = dice.randrange(min(len(content), 1500))  # the header, where damage does most
    match dice.randrange(5):
        case 0:
            for place in [near, at, *(dice.randrange(len(copy)) for _ in range(dice.randrange(20)))]:
                copy[place] = dice.randrange(256)
        case 1:
            copy[near] ^= 1 << dice.randrange(8)
        case 2:
            del copy[near : near + dice.randrange(1, 60)]
        case 3:
            copy[near:near] = copy[near : near + dice.randrange(1, 60)]
        case 4:
            del copy[at:]
    return bytes(copy)


def test_good_files_are_read(tmp_path):
    assert {path.name: outcome(path) for path in good_files(tmp_path)} == dict.fromkeys(
        ["explicit", "enhanced", *(syntax.keyword for syntax in SYNTAXES[1:])], "read"
    )


def test_a_thousand_damaged_copies_are_read_or_refused_for_one_reason(tmp_path, capfd):
    dice, contents = random.Random(20190913), [path.read_bytes() for path in good_files(tmp_path / "good")]
    path = tmp_path / "in" / "copy"
    path.parent.mkdir()
    outcomes = []
    for number in range(COPIES):
        path.write_bytes(damaged(contents[number % len(contents)], dice))
        outcomes.append(outcome(path))
        assert skipped_lines(path.parent) == 1 or number % len(contents) == FRAMES
    assert len(set(outcomes)) > 5, "the damage should be of many kinds"
    assert 0 < outcomes.count("read") < COPIES
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_every_file_that_pydicom_ships_is_read_or_refused_for_one_reason(path, tmp_path):
    assert outcome(path)
    (tmp_path / "copy").write_bytes(path.read_bytes())
    assert skipped_lines(tmp_path) == 1
