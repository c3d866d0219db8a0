"""What a compressed picture says of its own size, before a decoder takes its word and the memory for it."""

import struct

from hohoho.errors import Unusable

JPEG_START, J2K_START, JP2_START = b"\xff\xd8", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  "
JPEG_END = b"\xff\xd9"  # also the end of a JPEG 2000 codestream
FRAME_HEADERS = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}  # SOF markers of JPEG, and of JPEG-LS
LAST_BYTES = 64  # among which the end stands; no coded data can look like it
RLE_HEADER = struct.Struct("<16I")  # number of segments, where each begins (PS3.5 G.5)
LARGEST_RLE_BYTES = 8 * 2**20  # two bytes become 128 at most, so this becomes half a gigabyte


def check_run_lengths(frame: bytes, pixel_count: int, path: str) -> None:
    """Raises Unusable where an RLE frame (PS3.5 G) is too large, or a segment of it is not just `pixel_count` bytes."""
    if len(frame) > LARGEST_RLE_BYTES:
        raise Unusable("too_large", f"{path}: {len(frame)} bytes of run lengths")
    count, *offsets = RLE_HEADER.unpack(frame[: RLE_HEADER.size].ljust(RLE_HEADER.size, b"\0"))
    ends = [*offsets[1:count], len(frame)]
    if not 0 < count <= 15 or not all(_runs_fill(frame[a:b], pixel_count) for a, b in zip(offsets, ends, strict=False)):
        raise Unusable("undecodable_pixels", f"{path}: run lengths of other than {pixel_count} pixels")


def _runs_fill(segment, size):
    """Whether the runs of a segment (PS3.5 G.3.2) come to just `size` bytes, with nothing but padding behind them."""
    at = total = 0
    while total < size and at < len(segment):
        control = segment[at]
        if control < 128:  # that many bytes and one as they are
            total += control + 1
            at += control + 2
        else:  # one byte many times; 128 is nothing
            total += (257 - control) % 129
            at += 2 if control > 128 else 1
    return total == size and at <= len(segment) and not segment[at + 1 :].strip(b"\0\x80")


def check_frame(frame: bytes, rows: int, columns: int, path: str) -> None:
    """Raises Unusable where a frame of any JPEG is cut off, or is not of the header's size.

    frame: JPEG (ITU-T T.81 B.2), JPEG-LS (T.87 C.2) or JPEG 2000 (T.800 A.5).
    """
    if not frame.startswith((JPEG_START, J2K_START, JP2_START)):
        raise Unusable("undecodable_pixels", f"{path}: no JPEG, though its transfer syntax says so")
    size = jpeg_size(frame) if frame.startswith(JPEG_START) else _jpeg_2000_size(frame)
    if size != (rows, columns, 1):
        raise Unusable("wrong_coded_size", f"{path}: coded as {size}, its header says {rows} x {columns}, grey")
    if not has_end(frame):
        raise Unusable("truncated_pixels", f"{path}: the compressed picture has no end")


def has_end(frame: bytes) -> bool:
    """Whether a JPEG or JPEG 2000 picture is there to its end."""
    return JPEG_END in frame[-LAST_BYTES:]


def jpeg_size(frame: bytes) -> tuple[int, int, int] | None:
    """(rows, columns, components), None where there is no frame header."""
    at = 2
    while at + 10 <= len(frame) and frame[at] == 0xFF:
        marker, length = frame[at + 1], int.from_bytes(frame[at + 2 : at + 4], "big")
        if marker in FRAME_HEADERS:
            return struct.unpack_from(">HHB", frame, at + 5)
        at += 1 if marker == 0xFF else 2 + length  # a marker may be filled up with FF
    return None


def _jpeg_2000_size(frame):
    """(rows, columns, components), None where there is no SIZ marker."""
    at = frame.find(J2K_START)
    if at < 0 or at + 42 > len(frame):
        return None
    right, bottom, left, top = struct.unpack_from(">IIII", frame, at + 8)
    (components,) = struct.unpack_from(">H", frame, at + 40)
    return bottom - top, right - left, components
