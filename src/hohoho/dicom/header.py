"""What one CT image says of itself before its pixels are read: DICOM tags, and what of them is refused or repaired."""

import math
from typing import NamedTuple

from hohoho.dicom import content, tags
from hohoho.dicom.content import Content
from hohoho.dicom.hounsfield import PixelFormat
from hohoho.dicom.values import age_band, sanitized_name

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
    content: Content = Content()
    acquired: str = ""  # acquisition date and time, as text that sorts
    temporal: float = 0.0  # its place among phases, by Temporal Position or Trigger Time
    written: str = ""  # when the image was made, as text that sorts
    frame: int = 0  # its place in a multi-frame file
    turn: Turn | None = None  # None where the picture is stored as it stands

    @property
    def image(self) -> tuple[str, int]:
        """What no other slice has: its file and its place in there."""
        return self.path, self.frame


def slice_header(path, values, pixels, repairs, warnings):
    """SliceHeader from the tags; what is missing and can be done without becomes a warning."""
    shown, sex, study_uid = content.content_of(values), values.text(tags.SEX), values.text(tags.STUDY_UID)
    spacing, position, location, instance, thickness = (
        values.numbers(tag) for tag in (tags.SPACING, tags.POSITION, tags.LOCATION, tags.INSTANCE, tags.THICKNESS)
    )
    has_spacing = len(spacing) == 2 and min(spacing) > 0
    oddities = {
        "lossy_compression": values.text(tags.LOSSY) == "01" or values.syntax in LOSSY_SYNTAXES,
        "rescale_type_not_hu": shown.kind == content.NOT_HU,
        "unusual_high_bit": values.integer(tags.HIGH_BIT) not in (None, pixels.bits_stored - 1),  # PS3.5 8.1.1
        "no_pixel_spacing": not has_spacing,
    }
    return SliceHeader(
        path=str(path),
        sop_uid=values.text(tags.SOP_UID) or str(path),
        study_uid=study_uid,
        series_uid=values.text(tags.SERIES_UID),
        patient_id=values.text(tags.PATIENT_ID) or study_uid,
        position=position if len(position) == 3 else None,
        orientation=_orientation(values),
        slice_location=location[0] if location else None,
        instance=int(instance[0]) if instance else None,
        acquisition=values.text(tags.ACQUISITION),
        spacing_mm=spacing if has_spacing else (1.0, 1.0),
        thickness_mm=thickness[0] if thickness and thickness[0] > 0 else float("nan"),
        kernel=sanitized_name(values.text(tags.KERNEL)),
        manufacturer=sanitized_name(values.text(tags.MANUFACTURER)),
        age_band=age_band(values.text(tags.AGE)),
        sex=sex if sex in ("F", "M", "O") else None,
        pixels=pixels,
        repairs=repairs,
        warnings=warnings + tuple(name for name, is_so in oddities.items() if is_so),
        content=shown,
        acquired=content.acquired(values),
        temporal=content.temporal(values),
        written=content.written(values),
    )


def _orientation(values):
    """Six direction cosines, None where they span no plane (PS3.3 C.7.6.2.1.1)."""
    cosines = values.numbers(tags.ORIENTATION)
    if len(cosines) != 6:
        return None
    (a, b, c), (d, e, f) = cosines[:3], cosines[3:]
    area = math.hypot(b * f - c * e, c * d - a * f, a * e - b * d)
    return cosines if 0.9 < area < 1.1 else None
