"""Slice headers for tests of order, assembly and choice: no file lies behind them."""

from hohoho.dicom.content import Content
from hohoho.dicom.header import SliceHeader
from hohoho.dicom.hounsfield import PixelFormat

PIXELS = PixelFormat(512, 512, "<i2", 16, 1.0, 0.0, None, 0)
SLICE = SliceHeader(
    path="", sop_uid="", study_uid="1.2", series_uid="1.2.1", patient_id="P", position=(0.0, 0.0, 0.0),
    orientation=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0), slice_location=None, instance=1, acquisition="", spacing_mm=(0.5, 0.5),
    thickness_mm=5.0, kernel="SOFT", manufacturer=None, age_band=None, sex=None, pixels=PIXELS, repairs=(), warnings=(),
)  # fmt: skip


def scan_headers(
    slices: int, step_mm: float = 5.0, foot_mm: float = 0.0, first: int = 1, **fields
) -> list[SliceHeader]:
    """The headers of one pass, foot to head; `fields` for all of them, or for each where callable, by its place.

    Instance Numbers and SOP Instance UIDs count from `first`.
    """
    headers = []
    for i in range(slices):
        own = {name: value(i) if callable(value) else value for name, value in fields.items()}
        uid = f"{own.get('series_uid', SLICE.series_uid)}.{first + i}"
        placed = {"position": (0.0, 0.0, round(foot_mm + step_mm * i, 4)), "instance": first + i}
        headers.append(SLICE._replace(**({"sop_uid": uid, "path": uid, "thickness_mm": step_mm} | placed | own)))
    return headers


def content(**fields) -> Content:
    """What a series shows, a plain original head but for `fields`."""
    return Content()._replace(**fields)
