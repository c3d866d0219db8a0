"""DICOM CT files: right HU or a refusal that says why, never a silent guess."""

import numpy as np
import pydicom
import pytest
from ct_files import SIDE, ct_slice, save, set_pixels
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
)

from hohoho.dicom.reader import MissingCodec, read_frames, read_hu, read_slice
from hohoho.errors import Unusable


def read_header(path, assumed_rescale=None):
    """Of an image with one frame."""
    return read_frames(path, assumed_rescale)[0]


@pytest.fixture
def image():
    return ct_slice(1, 5.0)


def hu_of(image, tmp_path):
    return read_hu(read_header(save(image, tmp_path / "file")))


def refusal(path):
    with pytest.raises(Unusable) as caught:
        read_hu(read_header(path))
    return caught.value.reason


def flat(*values):
    """A picture whose first row is `values`, all else 20."""
    stored = np.full((SIDE, SIDE), 20, np.int16)
    stored[0, : len(values)] = values
    return stored


def test_hu_is_slope_times_stored_plus_intercept(image, tmp_path):
    set_pixels(image, flat(0, 1024, 2048))
    image.RescaleSlope, image.RescaleIntercept = "2", "-1024"
    assert hu_of(image, tmp_path)[0, :3].tolist() == [-1024, 1024, 3072]


def test_fractional_rescale_rounds_to_the_nearest_hu(image, tmp_path):
    set_pixels(image, flat(1, 3, 10))
    image.RescaleSlope, image.RescaleIntercept = "0.5", "0.2"
    assert hu_of(image, tmp_path)[0, :3].tolist() == [1, 2, 5]


def test_nothing_is_below_air(image, tmp_path):
    set_pixels(image, flat(-3000, -1025, -1024))
    assert hu_of(image, tmp_path)[0, :3].tolist() == [-1024, -1024, -1024]


@pytest.mark.parametrize("value", [-2000, -1500, 3000])
def test_padding_is_air_before_rescaling(image, tmp_path, value):
    set_pixels(image, flat(value, 40))
    image.RescaleIntercept = "10"
    image.add_new("PixelPaddingValue", "SS", value)
    hu, repairs = read_slice(read_header(save(image, tmp_path / "file")))
    assert hu[0, :2].tolist() == [-1024, 50]
    assert repairs == ("padding",)


def test_padding_written_with_the_wrong_sign_type_is_read_by_its_bits(image, tmp_path):
    set_pixels(image, flat(-2000))
    image.RescaleSlope, image.RescaleIntercept = "-1", "0"
    image.add_new("PixelPaddingValue", "US", 65536 - 2000)
    assert hu_of(image, tmp_path)[0, 0] == -1024


def test_padding_range_limit_is_masked_up_to_and_including_itself(image, tmp_path):
    set_pixels(image, flat(2900, 2950, 3000, 3001))
    image.add_new("PixelPaddingValue", "SS", 3000)
    image.add_new("PixelPaddingRangeLimit", "SS", 2900)
    assert hu_of(image, tmp_path)[0, :4].tolist() == [-1024, -1024, -1024, 3001]


HU = [-1024, -1000, -5, 0, 40, 80, 300, 2047, 2048, 3000]


def wrapped(padding):
    stored = np.full((64, 64), -1000)
    stored[16:48, 16:48] = 30
    stored[30, 20:30] = HU
    stored[[0, 0, -1, -1], [0, -1, 0, -1]] = padding
    return (stored % 4096).astype(np.uint16)


@pytest.mark.parametrize("declared", [True, False])
def test_negatives_wrapped_in_12_bits_come_back_exactly(image, tmp_path, declared):
    set_pixels(image, wrapped(padding=-2000))
    image.BitsStored, image.HighBit = 12, 11
    if declared:
        image.add_new("PixelPaddingValue", "US", 65536 - 2000)
    hu, repairs = read_slice(read_header(save(image, tmp_path / "file")))
    assert hu[30, 20:30].tolist() == HU
    assert hu[0, 0] == -1024
    assert hu[1, 1] == -1000
    assert "wrapped_negatives" in repairs


def test_12_bit_files_with_an_honest_intercept_are_left_alone(image, tmp_path):
    set_pixels(image, np.full((SIDE, SIDE), 4000, np.uint16))
    image.BitsStored, image.HighBit, image.RescaleIntercept = 12, 11, "-1024"
    assert (hu_of(image, tmp_path) == 2976).all()


def test_12_bit_files_whose_frame_shows_no_wrapped_air_are_left_alone(image, tmp_path):
    stored = np.zeros((64, 64), np.uint16)
    stored[30, 30] = 3500  # metal
    set_pixels(image, stored)
    image.BitsStored, image.HighBit = 12, 11
    assert hu_of(image, tmp_path)[30, 30] == 3500


def test_overlay_bits_above_bits_stored_are_dropped_and_the_sign_is_kept(image, tmp_path):
    set_pixels(image, flat(0x1000 | 40, -1000))
    image.BitsStored, image.HighBit = 12, 11
    assert hu_of(image, tmp_path)[0, :2].tolist() == [40, -1000]


@pytest.mark.parametrize("tags", [["RescaleSlope"], ["RescaleIntercept"], ["RescaleSlope", "RescaleIntercept"]])
def test_missing_rescale_is_refused(image, tmp_path, tags):
    for tag in tags:
        delattr(image, tag)
    assert refusal(save(image, tmp_path / "file")) == "no_rescale"


def test_missing_rescale_is_assumed_only_when_told_and_reported(image, tmp_path):
    del image.RescaleSlope, image.RescaleIntercept
    set_pixels(image, flat(1064))
    header = read_header(save(image, tmp_path / "file"), assumed_rescale=(1, -1024))
    assert read_hu(header)[0, 0] == 40
    assert header.repairs == ("assumed_rescale",)


def test_an_assumed_rescale_never_overrules_the_file(image, tmp_path):
    header = read_header(save(image, tmp_path / "file"), assumed_rescale=(1, -1024))
    assert header.pixels.intercept == 0 and header.repairs == ()


@pytest.mark.parametrize("slope", [b"0   ", b"    ", b"NaN ", b"one ", b"1\\2 "])
def test_unusable_rescale_is_refused(image, tmp_path, slope):
    image.RescaleSlope = "7777"
    path = save(image, tmp_path / "file")
    path.write_bytes(path.read_bytes().replace(b"7777", slope))
    assert refusal(path) == "bad_rescale"


def test_rescale_that_repeats_one_value_is_repaired(image, tmp_path):
    image.RescaleSlope = ["1", "1"]
    header = read_header(save(image, tmp_path / "file"))
    assert header.pixels.slope == 1 and header.repairs == ("repeated_rescale",)


@pytest.mark.parametrize("kept", [0, 1, SIDE * SIDE * 2 - 1])
def test_truncated_pixels_are_refused_and_never_filled(image, tmp_path, kept):
    path = save(image, tmp_path / "file")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - SIDE * SIDE * 2 + kept])
    assert refusal(path) == "truncated_pixels"


def test_a_file_that_ends_in_its_header_is_refused_at_every_length(image, tmp_path):
    set_pixels(image, np.full((16, 16), 40, np.int16))
    path = save(image, tmp_path / "file")
    whole = path.read_bytes()
    for length in range(len(whole) - 1):
        path.write_bytes(whole[:length])
        assert refusal(path)


def test_bytes_behind_the_pixels_change_nothing(image, tmp_path):
    path = save(image, tmp_path / "file")
    before = read_hu(read_header(path))
    path.write_bytes(path.read_bytes() + b"\x00\x01garbage")
    assert np.array_equal(read_hu(read_header(path)), before)


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "empty_file"), (b"dear reader\n" * 50, "not_dicom"), (b"\x08\x00", "not_ct")]
)
def test_files_that_are_no_dicom_each_have_their_reason(tmp_path, content, reason):
    (tmp_path / "file").write_bytes(content)
    assert refusal(tmp_path / "file") == reason


def test_folders_and_broken_links_are_refused(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert refusal(tmp_path) == "not_a_file"
    assert refusal(tmp_path / "link") == "unreadable"


def test_a_missing_preamble_is_repaired(image, tmp_path):
    path = save(image, tmp_path / "file")
    expected = read_hu(read_header(path))
    path.write_bytes(path.read_bytes()[132:])
    header = read_header(path)
    assert header.repairs == ("no_preamble",)
    assert np.array_equal(read_hu(header), expected)


REFUSED = {
    "SOPClassUID": ("1.2.840.10008.5.1.4.1.1.7", "not_ct"),  # secondary capture
    "ImageType": (["ORIGINAL", "PRIMARY", "LOCALIZER"], "localizer"),
    "PhotometricInterpretation": ("RGB", "colour"),
    "SamplesPerPixel": (3, "colour"),
    "BurnedInAnnotation": ("YES", "burned_in_text"),
    "NumberOfFrames": ("2", "multi_frame"),
    "StudyInstanceUID": ("", "no_study_uid"),
    "Rows": (20_000, "bad_size"),
    "BitsAllocated": (12, "bad_bits"),
}


@pytest.mark.parametrize("tag", REFUSED)
def test_what_is_no_axial_ct_slice_is_refused_for_its_own_reason(image, tmp_path, tag):
    value, reason = REFUSED[tag]
    path = save(image, tmp_path / "file")
    image = pydicom.dcmread(path)
    setattr(image, tag, value)
    image.save_as(path)
    assert refusal(path) == reason


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_every_way_of_writing_a_file_reads_the_same(image, tmp_path, syntax):
    set_pixels(image, flat(-1000, 40, 3000))
    expected = hu_of(image, tmp_path)
    image.file_meta.TransferSyntaxUID = syntax
    assert np.array_equal(hu_of(image, tmp_path), expected)


def test_big_endian_files_read_the_same_in_native_order(image, tmp_path):
    stored = flat(-1000, 40, 3000)
    set_pixels(image, stored)
    image.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    image.PixelData = stored.astype(">i2").tobytes()
    image["PixelData"].VR = "OW"
    hu = hu_of(image, tmp_path)
    assert hu.dtype == np.int16 and hu.dtype.isnative
    assert hu[0, :3].tolist() == [-1000, 40, 3000]


def test_compressed_files_decode_to_the_same_hu(image, tmp_path):
    set_pixels(image, flat(-1000, 40, 3000))
    expected = hu_of(image, tmp_path)
    image.compress(RLELossless)
    assert np.array_equal(hu_of(image, tmp_path), expected)


def test_damaged_compressed_pixels_are_refused(image, tmp_path):
    image.compress(RLELossless)
    image.PixelData = encapsulate([b"\x01\x00\x00\x00broken"])
    assert refusal(save(image, tmp_path / "file")) == "undecodable_pixels"


def test_a_missing_codec_stops_everything_and_names_what_to_install(image, tmp_path, monkeypatch):
    image.file_meta.TransferSyntaxUID = JPEGLSLossless
    image.PixelData = encapsulate([b"\xff\xd8"])
    image["PixelData"].VR = "OB"
    monkeypatch.setattr("pydicom.pixels.decoders.base.Decoder.available_plugins", ())
    with pytest.raises(MissingCodec, match="uv sync --extra codecs"):
        read_header(save(image, tmp_path / "file"))


def test_lossy_compression_and_monochrome1_are_warned_of_and_keep_their_numbers(image, tmp_path):
    set_pixels(image, flat(40))
    image.LossyImageCompression, image.PhotometricInterpretation = "01", "MONOCHROME1"
    header = read_header(save(image, tmp_path / "file"))
    assert set(header.warnings) == {"lossy_compression", "monochrome1"}
    assert read_hu(header)[0, 0] == 40


def test_8_bit_pictures_that_show_high_values_dark_are_inverted_before_rescaling(image, tmp_path):
    set_pixels(image, np.resize(np.arange(256, dtype=np.uint8), (SIDE, SIDE)))
    image.PhotometricInterpretation, image.RescaleSlope, image.RescaleIntercept = "MONOCHROME1", "2", "-10"
    header = read_header(save(image, tmp_path / "file"))
    assert header.repairs == ("inverted",) and header.warnings == ()
    assert np.array_equal(read_hu(header).ravel()[:256], 2 * np.arange(255, -1, -1) - 10)


def test_windows_in_the_header_are_ignored(image, tmp_path):
    expected = hu_of(image, tmp_path)
    image.WindowCenter, image.WindowWidth = ["40", "600"], ["80", "2800"]
    assert np.array_equal(hu_of(image, tmp_path), expected)


@pytest.mark.parametrize(
    ("age", "band"), [("064Y", "60-69"), ("009M", "0-9"), ("101Y", "90+"), ("", None), ("old", None)]
)
def test_age_is_kept_as_a_decade_only(image, tmp_path, age, band):
    image.PatientAge = age
    path = tmp_path / "file"
    assert read_header(save(image, path)).age_band == band
