"""DICOM files as streams that give out so much and no more: what a reader of untrusted files can rely on."""

import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from hohoho.errors import Unusable

MOST_BYTES = 256 * 2**20  # that a file may give out, as it is or inflated
MOST_READS = 400_000  # a parser makes two or three an element, and an object of about 1 kB of it
FIRST_BYTES = 4096  # here the file meta information names the transfer syntax
DEFLATED = b"1.2.840.10008.1.2.1.99"  # PS3.5 A.5
EXPLICIT = b"1.2.840.10008.1.2.1\0\0\0"
GROUP_LENGTH = b"\x02\x00\x00\x00UL\x04\x00"  # (0002,0000), always the first element


class BoundedStream:
    """A stream in memory or of a file that raises ValueError beyond MOST_BYTES, or MOST_READS reads."""

    def __init__(self, file):
        self.file, self.seek, self.tell = file, file.seek, file.tell
        self.bytes_left, self.reads_left = MOST_BYTES, MOST_READS

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes; all that is left is never given at once."""
        self.bytes_left -= size
        self.reads_left -= 1
        if size < 0 or self.bytes_left < 0 or self.reads_left < 0:
            raise ValueError("more is read of the file than any image needs")
        return self.file.read(size)

    def length(self) -> int:
        """Bytes from the first to the last; the place of the next read stays."""
        here = self.tell()
        end = self.seek(0, os.SEEK_END)
        self.seek(here)
        return end


@contextmanager
def open_dicom(path: str | Path) -> Iterator[tuple[BoundedStream, bool]]:
    """(stream, whether it was deflated) of a regular file with something in it. Raises Unusable, in its block too."""
    try:
        with _open_regular(path) as file:
            head = file.read(FIRST_BYTES)
            file.seek(0)
            is_deflated = DEFLATED in head
            yield BoundedStream(_inflated(file, head, path) if is_deflated else file), is_deflated
    except OSError as error:  # a disk or a network may fail at any byte
        raise Unusable("unreadable", f"{path}: {error.strerror}") from error


def _open_regular(path):
    status = os.stat(path)  # noqa: PTH116 - a Path for each of 750,000 files is dearer than the calls
    if not stat.S_ISREG(status.st_mode):
        raise Unusable("not_a_file", f"{path}: not a regular file")
    if status.st_size == 0:
        raise Unusable("empty_file", f"{path}: zero bytes")
    return open(path, "rb")  # noqa: PTH123, SIM115


def _inflated(file, head, path):
    """The deflated data set behind its file meta information, plain and in memory."""
    start = 132 if head[128:132] == b"DICM" else 0
    if head[start : start + 8] != GROUP_LENGTH:
        raise Unusable("damaged_header", f"{path}: deflated, without File Meta Information Group Length (0002,0000)")
    meta = file.read(start + 12 + int.from_bytes(head[start + 8 : start + 12], "little"))
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        plain = inflater.decompress(file.read(MOST_BYTES), MOST_BYTES)
    except zlib.error as error:
        raise Unusable("damaged_header", f"{path}: damaged deflated data ({error})") from error
    if inflater.unconsumed_tail:
        raise Unusable("too_large", f"{path}: inflates to more than {MOST_BYTES} bytes")
    return BytesIO(meta.replace(DEFLATED, EXPLICIT) + plain)
