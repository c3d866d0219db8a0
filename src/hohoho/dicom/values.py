"""Raw DICOM elements as text and numbers, straight from their bytes: nothing is guessed, absent is empty."""

import math
import re
from functools import lru_cache
from typing import Any, NamedTuple

from hohoho.dicom.tags import SOP_CLASS

ITEM = {"<": b"\xfe\xff\x00\xe0", ">": b"\xff\xfe\xe0\x00"}  # (FFFE,E000), what begins an item of a sequence


class Values(NamedTuple):
    """One header, as either reader of headers returns it: its elements by tag number, each with its raw `value`."""

    elements: dict[int, Any]  # value: bytes, a sequence, or None
    order: str  # of the bytes, "<" or ">"
    media_class: str = ""  # SOP class in the file meta information; "" where there is none
    syntax: str = ""  # transfer syntax UID

    @property
    def sop_class(self):
        """Which kind of object this is (PS3.4 B.5), by the image or else by the file meta information."""
        return self.text(SOP_CLASS) or self.media_class

    def raw(self, tag):
        """Bytes of the element, None where it is absent, b"" where it is empty."""
        element = self.elements.get(tag)
        if element is None:
            return None
        return element.value if isinstance(element.value, bytes) else b""

    def texts(self, tag):
        """All values of a text element, without padding: [] where absent or empty."""
        value = self.raw(tag)
        return [part.strip(" \0") for part in value.decode("latin-1").split("\\")] if value else []

    def text(self, tag):
        """The whole element as one text, "" where absent."""
        return "\\".join(self.texts(tag))

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
