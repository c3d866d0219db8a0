"""How an image's pixels are to be read, from its Image Pixel and Modality LUT modules (PS3.3 C.7.6.3, C.11.1)."""

from hohoho.dicom import tags
from hohoho.dicom.header import LARGEST_SIDE
from hohoho.dicom.hounsfield import PixelFormat
from hohoho.dicom.values import Values
from hohoho.errors import Unusable

OTHER_UNITS = {"OD", "MGML", "Z_EFF", "ED", "EDW", "PCT"}  # Rescale Type of maps, by the terms of PS3.3 C.11.1.1.2


def rescale(values, assumed_rescale, path):
    """(slope, intercept, repairs). DICOM libraries hand out raw values where the tags are missing: here it is refused.

    assumed_rescale: (slope, intercept) for files without the two tags, None to refuse them.
    """
    unit = values.text(tags.RESCALE_TYPE)
    if unit.upper() in OTHER_UNITS:
        raise Unusable("not_hu", f"{path}: Rescale Type (0028,1054) is {unit}: a map, no CT in HU")
    absent = [tag for tag in (tags.SLOPE, tags.INTERCEPT) if values.raw(tag) is None]
    if len(absent) == 2 and assumed_rescale is not None:
        return *map(float, assumed_rescale), ("assumed_rescale",)
    if absent:
        raise Unusable("no_rescale", f"{path}: Rescale Slope/Intercept (0028,1053/1052) missing, cannot be read as HU")
    slopes, intercepts = values.numbers(tags.SLOPE), values.numbers(tags.INTERCEPT)
    if len(set(slopes)) != 1 or len(set(intercepts)) != 1 or slopes[0] == 0:
        raise Unusable("bad_rescale", f"{path}: Rescale Slope/Intercept (0028,1053/1052) are {slopes}/{intercepts}")
    repeated = len(slopes) > 1 or len(intercepts) > 1
    return slopes[0], intercepts[0], ("repeated_rescale",) if repeated else ()


def pixel_format(values: Values, slope: float, intercept: float, path: str) -> PixelFormat:
    """PixelFormat without its offset, from the Image Pixel module (PS3.3 C.7.6.3). Raises Unusable."""
    rows, columns = values.integer(tags.ROWS), values.integer(tags.COLUMNS)
    allocated = values.integer(tags.ALLOCATED)
    if not rows or not columns or max(rows, columns) > LARGEST_SIDE:
        raise Unusable("bad_size", f"{path}: {rows} x {columns} pixels; 1 to {LARGEST_SIDE} a side are read")
    if allocated not in (8, 16, 32):
        raise Unusable("bad_bits", f"{path}: Bits Allocated (0028,0100) is {allocated}; 8, 16 and 32 are read")
    stored = values.integer(tags.STORED) or allocated
    dtype = values.order + ("i" if values.integer(tags.SIGNED) == 1 else "u") + str(allocated // 8)
    return PixelFormat(rows, columns, dtype, stored, slope, intercept, _padding(values, dtype[1:], allocated), None)


def normalize_photometric(pixels: PixelFormat, values: Values) -> tuple[PixelFormat, tuple[str, ...], tuple[str, ...]]:
    """(format, repairs, warnings): 8-bit pictures that show high values dark are inverted; HU keep their numbers."""
    if values.text(tags.PHOTOMETRIC) != "MONOCHROME1":
        return pixels, (), ()
    if pixels.dtype[1:] != "u1":
        return pixels, (), ("monochrome1",)
    highest = 2**pixels.bits_stored - 1
    return pixels._replace(slope=-pixels.slope, intercept=pixels.intercept + pixels.slope * highest), ("inverted",), ()


def _padding(values, kind, allocated):
    """Lowest and highest padding value, its bits read as the pixels' are: writers mix US and SS up."""
    kind = kind if allocated == 16 else "i2" if kind[0] == "i" else "u2"
    value, limit = values.integer(tags.PADDING, kind), values.integer(tags.PADDING_LIMIT, kind)
    if value is None:
        return None
    limit = value if limit is None else limit
    return min(value, limit), max(value, limit)
