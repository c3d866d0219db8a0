"""What one CT image says of itself before its pixels are read: DICOM tags, and what of them is refused or repaired."""

import math
from typing import NamedTuple

from hohoho.dicom.hounsfield import PixelFormat
from hohoho.dicom.values import Values, age_band, plain
from hohoho.errors import Unusable

IMAGE_TYPE, SOP_CLASS, SOP_UID, MODALITY, MANUFACTURER = 0x00080008, 0x00080016, 0x00080018, 0x00080060, 0x00080070
DESCRIPTION = 0x0008103E  # read to tell pages from slices, and kept nowhere
PATIENT_ID, SEX, AGE, THICKNESS, KERNEL = 0x00100020, 0x00100040, 0x00101010, 0x00180050, 0x00181210
STUDY_UID, SERIES_UID, ACQUISITION, INSTANCE = 0x0020000D, 0x0020000E, 0x00200012, 0x00200013
POSITION, ORIENTATION, LOCATION = 0x00200032, 0x00200037, 0x00201041
SAMPLES, PHOTOMETRIC, FRAMES, ROWS, COLUMNS = 0x00280002, 0x00280004, 0x00280008, 0x00280010, 0x00280011
SPACING, ALLOCATED, STORED, SIGNED = 0x00280030, 0x00280100, 0x00280101, 0x00280103
PADDING, PADDING_LIMIT, BURNED_IN = 0x00280120, 0x00280121, 0x00280301
INTERCEPT, SLOPE, LOSSY = 0x00281052, 0x00281053, 0x00282110
SHARED, PER_FRAME = 0x52009229, 0x52009230  # functional groups of enhanced CT
TAGS = [tag for name, tag in list(globals().items()) if name.isupper() and isinstance(tag, int)]

# Pixel Measures, Plane Position, Plane Orientation, Pixel Value Transformation, CT Reconstruction (PS3.3 C.7.6.16.2)
FUNCTIONAL_GROUPS = (0x00289110, 0x00209113, 0x00209116, 0x00289145, 0x00189314)

# JPEG baseline and extended, JPEG-LS near-lossless; of JPEG 2000 only its tag tells
LOSSY_SYNTAXES = {"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.81"}
LARGEST_SIDE = 4096  # pixels; a larger header is damage or an attack


class Turn(NamedTuple):
    """What a stored picture needs to stand with the patient's front up, in this order."""

    transposed: bool  # rows become columns
    upside_down: bool
    mirrored: bool


class SliceHeader(NamedTuple):
    """What is known of one CT image before its pixels are read. Lengths in mm, axes as in PS3.3 C.7.6.2 (LPS).

    All but `pixels` is true of the picture as it is read, after its turn.
    """

    path: str
    sop_uid: str
    study_uid: str
    series_uid: str
    patient_id: str
    position: tuple[float, ...] | None  # of the first pixel's centre
    orientation: tuple[float, ...] | None  # direction of a row, direction of a column
    slice_location: float | None
    instance: int | None
    acquisition: str
    spacing_mm: tuple[float, float]  # between rows, between columns
    thickness_mm: float  # NaN where absent
    kernel: str | None
    manufacturer: str | None
    age_band: str | None
    sex: str | None
    pixels: PixelFormat
    repairs: tuple[str, ...]
    warnings: tuple[str, ...]
    frame: int = 0  # its place in a multi-frame file
    turn: Turn | None = None  # None where the picture is stored as it stands

    @property
    def image(self) -> tuple[str, int]:
        """What no other slice has: its file and its place in there."""
        return self.path, self.frame


def rescale(values, assumed_rescale, path):
    """(slope, intercept, repairs). DICOM libraries hand out raw values where the tags are missing: here it is refused.

    assumed_rescale: (slope, intercept) for files without the two tags, None to refuse them.
    """
    absent = [tag for tag in (SLOPE, INTERCEPT) if values.raw(tag) is None]
    if len(absent) == 2 and assumed_rescale is not None:
        return *map(float, assumed_rescale), ("assumed_rescale",)
    if absent:
        raise Unusable("no_rescale", f"{path}: Rescale Slope/Intercept (0028,1053/1052) missing, cannot be read as HU")
    slopes, intercepts = values.numbers(SLOPE), values.numbers(INTERCEPT)
    if len(set(slopes)) != 1 or len(set(intercepts)) != 1 or slopes[0] == 0:
        raise Unusable("bad_rescale", f"{path}: Rescale Slope/Intercept (0028,1053/1052) are {slopes}/{intercepts}")
    repeated = len(slopes) > 1 or len(intercepts) > 1
    return slopes[0], intercepts[0], ("repeated_rescale",) if repeated else ()


def pixel_format(values: Values, slope: float, intercept: float, path: str) -> PixelFormat:
    """PixelFormat without its offset, from the Image Pixel module (PS3.3 C.7.6.3). Raises Unusable."""
    rows, columns = values.integer(ROWS), values.integer(COLUMNS)
    allocated = values.integer(ALLOCATED)
    if not rows or not columns or max(rows, columns) > LARGEST_SIDE:
        raise Unusable("bad_size", f"{path}: {rows} x {columns} pixels; 1 to {LARGEST_SIDE} a side are read")
    if allocated not in (8, 16, 32):
        raise Unusable("bad_bits", f"{path}: Bits Allocated (0028,0100) is {allocated}; 8, 16 and 32 are read")
    stored = values.integer(STORED) or allocated
    dtype = values.order + ("i" if values.integer(SIGNED) == 1 else "u") + str(allocated // 8)
    return PixelFormat(rows, columns, dtype, stored, slope, intercept, _padding(values, dtype[1:], allocated), None)


def upright(pixels: PixelFormat, values: Values) -> tuple[PixelFormat, tuple[str, ...], tuple[str, ...]]:
    """(format, repairs, warnings): 8-bit pictures that show high values dark are inverted; HU keep their numbers."""
    if values.text(PHOTOMETRIC) != "MONOCHROME1":
        return pixels, (), ()
    if pixels.dtype[1:] != "u1":
        return pixels, (), ("monochrome1",)
    highest = 2**pixels.bits_stored - 1
    return pixels._replace(slope=-pixels.slope, intercept=pixels.intercept + pixels.slope * highest), ("inverted",), ()


def _padding(values, kind, allocated):
    """Lowest and highest padding value, its bits read as the pixels' are: writers mix US and SS up."""
    kind = kind if allocated == 16 else "i2" if kind[0] == "i" else "u2"
    value, limit = values.integer(PADDING, kind), values.integer(PADDING_LIMIT, kind)
    if value is None:
        return None
    limit = value if limit is None else limit
    return min(value, limit), max(value, limit)


def slice_header(path, values, pixels, repairs, warnings, syntax):
    """SliceHeader from the tags; what is missing and can be done without becomes a warning."""
    spacing, spacing_warnings = _spacing(values)
    if values.text(LOSSY) == "01" or syntax in LOSSY_SYNTAXES:
        warnings += ("lossy_compression",)
    location, instance, thickness = (values.numbers(tag) for tag in (LOCATION, INSTANCE, THICKNESS))
    study_uid = values.text(STUDY_UID)
    return SliceHeader(
        path=str(path),
        sop_uid=values.text(SOP_UID) or str(path),
        study_uid=study_uid,
        series_uid=values.text(SERIES_UID),
        patient_id=values.text(PATIENT_ID) or study_uid,
        position=_position(values),
        orientation=_orientation(values),
        slice_location=location[0] if location else None,
        instance=int(instance[0]) if instance else None,
        acquisition=values.text(ACQUISITION),
        spacing_mm=spacing,
        thickness_mm=thickness[0] if thickness and thickness[0] > 0 else float("nan"),
        kernel=plain(values.text(KERNEL)),
        manufacturer=plain(values.text(MANUFACTURER)),
        age_band=age_band(values.text(AGE)),
        sex=values.text(SEX) if values.text(SEX) in ("F", "M", "O") else None,
        pixels=pixels,
        repairs=repairs,
        warnings=warnings + spacing_warnings,
    )


def _position(values):
    position = values.numbers(POSITION)
    return position if len(position) == 3 else None


def _orientation(values):
    """Six direction cosines, None where they span no plane (PS3.3 C.7.6.2.1.1)."""
    cosines = values.numbers(ORIENTATION)
    if len(cosines) != 6:
        return None
    (a, b, c), (d, e, f) = cosines[:3], cosines[3:]
    area = math.hypot(b * f - c * e, c * d - a * f, a * e - b * d)
    return cosines if 0.9 < area < 1.1 else None


def _spacing(values):
    spacing = values.numbers(SPACING)
    if len(spacing) != 2 or min(spacing) <= 0:
        return (1.0, 1.0), ("no_pixel_spacing",)
    return spacing, ()
