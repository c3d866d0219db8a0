"""Raw DICOM elements as text and numbers, straight from their bytes: nothing is guessed, absent is empty."""

import math
import re
from functools import lru_cache

ITEM = {"<": b"\xfe\xff\x00\xe0", ">": b"\xff\xfe\xe0\x00"}  # (FFFE,E000), what begins an item of a sequence
MOST_ITEMS, LONGEST_SEQUENCE = 200_000, 16 * 2**20  # bytes; an item becomes about 1 kB


class Values:
    """The elements of one data set by tag number. `dataset` needs get_item(tag) and the byte order it was read in."""

    def __init__(self, dataset, little_endian):
        self.dataset = dataset
        self.order = "<" if little_endian else ">"
        # a data set's own `get` would interpret the element
        self.find = dataset.get if isinstance(dataset, dict) else lambda tag: tag in dataset and dataset.get_item(tag)

    def raw(self, tag):
        """Bytes of the element, None where it is absent, b"" where it is empty."""
        element = self.find(tag)
        if not element:
            return None
        value = element.value
        return value if isinstance(value, bytes) else b""

    def for_elements(self, elements):
        """Values of other elements of the same file."""
        return Values(elements, self.order == "<")

    def items(self, tag):
        """Values of each item of a sequence, [] where absent. Raises ValueError where there are too many."""
        raw = self.raw(tag)
        if raw is None:
            return []
        if len(raw) > LONGEST_SEQUENCE or raw.count(ITEM[self.order]) > MOST_ITEMS:
            raise ValueError("a sequence longer than any image needs")
        return [self.for_elements(item) for item in self.dataset[tag].value]

    def texts(self, tag):
        """All values of a text element, without padding: [] where absent or empty."""
        value = self.raw(tag)
        return [part.strip(" \0") for part in value.decode("latin-1").split("\\")] if value else []

    def text(self, tag):
        """The whole element as one text, "" where absent."""
        value = self.raw(tag)
        if value and b"\\" in value:
            return "\\".join(self.texts(tag))
        return value.decode("latin-1").strip(" \0") if value else ""

    def numbers(self, tag):
        """All values of a decimal or integer string (DS, IS); () where absent or where one is no finite number."""
        return _numbers(self.raw(tag) or b"")

    def integer(self, tag, dtype="u2"):
        """First value of a binary number (US, SS), None where absent. `dtype` says how its bits are read."""
        value, size = self.raw(tag), int(dtype[1:])
        if not value or len(value) < size:
            return None
        return int.from_bytes(value[:size], "little" if self.order == "<" else "big", signed=dtype[0] == "i")


@lru_cache(maxsize=4096)  # the images of a series have most of them in common
def _numbers(value):
    try:
        numbers = tuple([float(part.strip(b" \0")) for part in value.split(b"\\")]) if value else ()
    except ValueError:
        return ()
    return numbers if all(map(math.isfinite, numbers)) else ()


def sanitized_name(text: str) -> str | None:
    """A manufacturer's or kernel's name without what could carry more than a name; None where nothing is left."""
    return re.sub(r"[^A-Za-z0-9 ._+/-]", "", text).strip()[:32] or None


def age_band(age: str) -> str | None:
    """Decade of a DICOM age (PS3.5 6.2, "045Y"), "90+" from ninety on; None where absent or malformed."""
    match = re.fullmatch(r"(\d{1,3})([DWMY])", age)
    if not match:
        return None
    years = int(match[1]) if match[2] == "Y" else 0
    return "90+" if years >= 90 else f"{years // 10 * 10}-{years // 10 * 10 + 9}"
