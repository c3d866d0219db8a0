"""What a JPEG says of itself (ITU-T T.81), and whether its coded data agree: damage that GDCM takes, or dies of."""

import re
import struct
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from hohoho.errors import Unusable

HUFFMAN, SCAN, QUANTIZATION = 0xC4, 0xDA, 0xDB  # DHT, SOS, DQT
BASELINE, EXTENDED, LOSSLESS = 0xC0, 0xC1, 0xC3  # SOF0, SOF1, SOF3
PRECISIONS = {BASELINE: {8, 12, 16}, EXTENDED: {8, 12, 16}, LOSSLESS: range(2, 17)}  # T.81 table B.2; GDCM writes 16
RESTARTS = 0xDD  # DRI
KNOWN = {HUFFMAN, SCAN, QUANTIZATION, RESTARTS, *PRECISIONS, 0xFE, *range(0xE0, 0xF0)}  # comment, application data
BREAK = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # any marker but a restart ends the coded data (T.81 B.1.1.2)
PREDICTORS = {  # T.81 table H.1, of the samples to the left, above, and above to the left
    1: lambda a, b, c: a,
    2: lambda a, b, c: b,
    3: lambda a, b, c: c,
    4: lambda a, b, c: a + b - c,
    5: lambda a, b, c: a + (b - c >> 1),
    6: lambda a, b, c: b + (a - c >> 1),
    7: lambda a, b, c: a + b >> 1,
}
LAST_CATEGORY = 16  # of the one difference 32768, which needs no bits behind its code


class LosslessScan(NamedTuple):
    """What the picture of a lossless JPEG without restarts must agree with."""

    precision: int  # bits of a sample
    predictor: int
    shift: int  # lowest bits that are not coded
    code_lengths: dict[int, int]  # bits of the code of each category of differences
    bits: int  # that are there, up to 7 to fill the last byte among them


def check_jpeg(frame: bytes, word_bits: int, path: str) -> LosslessScan | None:
    """Raises Unusable where the segments of a grey JPEG of one scan are damaged, or its coded data are broken off.

    word_bits: of the header's pixels, which must be those of the samples.
    """
    try:
        segments, data = _segments(frame)
        (process,) = PRECISIONS.keys() & segments.keys()
        (frame_header,), (scan_header,) = segments[process], segments[SCAN]
        precision, _, _, components, name, _, quantizer = struct.unpack(">BHHBBBB", frame_header)
        scanned, scan_name, tables, first, last, shift = struct.unpack(">6B", scan_header)
        coders, is_whole = {tables >> 4}, 1 <= first <= 7 and shift < precision  # T.81 H.1.2: a predictor
        if process != LOSSLESS:  # class 1, the AC coefficients, has its own tables (B.2.4.2); all 64 are in one scan
            coders, is_whole = {tables >> 4, 16 | tables & 15}, (first, last, shift) == (0, 63, 0)
        codes = dict(table for content in segments[HUFFMAN] for table in _huffman(content))
        is_sound = {
            "precision": precision in PRECISIONS[process] and word_bits == (8 if precision <= 8 else 16),
            "components": components == scanned == 1 and name == scan_name,
            "Huffman tables": coders <= codes.keys(),
            "quantization": process == LOSSLESS or quantizer in set().union(*map(_quantizers, segments[QUANTIZATION])),
            "scan": is_whole,
        }
        if not all(is_sound.values()):
            raise ValueError(", ".join(name for name, sound in is_sound.items() if not sound))
    except (ValueError, IndexError, struct.error) as error:
        raise Unusable("undecodable_pixels", f"{path}: damaged JPEG header ({error})") from error
    end = BREAK.search(data)
    if not end or end[0] != b"\xff\xd9":
        raise Unusable("undecodable_pixels", f"{path}: damaged JPEG data")
    if process != LOSSLESS or RESTARTS in segments:
        return None
    coded = data[: end.start()].rstrip(b"\xff").replace(b"\xff\x00", b"\xff")  # fill bytes, stuffed bytes (B.1.1.5)
    return LosslessScan(precision, first, shift, codes[tables >> 4], len(coded) * 8)


def fills(scan: LosslessScan, stored: np.ndarray) -> bool:
    """Whether a decoded picture, (rows, columns), takes all coded bits but the few that fill the last byte.

    Lossless JPEG has no checksum. A difference takes the code of its category, and the rest (T.81 H.1.2, H.2).
    """
    x = (stored.astype(np.int32) & (1 << scan.precision) - 1) >> scan.shift
    predicted = np.empty_like(x)
    predicted[0, 0], predicted[0, 1:], predicted[1:, 0] = 1 << scan.precision - scan.shift - 1, x[0, :-1], x[:-1, 0]
    predicted[1:, 1:] = PREDICTORS[scan.predictor](x[1:, :-1], x[:-1, 1:], x[:-1, :-1])
    difference = (x - predicted + 32767 & 0xFFFF) - 32767  # modulo 2**16, from -32767 to 32768
    category = np.frexp(np.abs(difference).astype(np.float32))[1]  # how many bits a number has (table H.2)
    counts = enumerate(np.bincount(category.ravel()))
    taken = sum(int(count) * (scan.code_lengths.get(bits, 0) + bits % LAST_CATEGORY) for bits, count in counts)
    return 0 <= scan.bits - taken < 8


def _segments(frame: bytes) -> tuple[dict[int, list[bytes]], bytes]:
    """({marker: contents of its segments}, the coded data behind the header of the first scan)."""
    at, segments = 2, defaultdict(list)
    while SCAN not in segments:
        marker, length = frame[at + 1], int.from_bytes(frame[at + 2 : at + 4], "big")
        if frame[at] != 0xFF or marker not in KNOWN | {0xFF}:
            raise ValueError(f"marker {marker:02X}")
        if marker != 0xFF:  # which may stand before a marker any number of times
            segments[marker].append(frame[at + 4 : at + 2 + length])
        at += 1 if marker == 0xFF else 2 + length
    return segments, frame[at:]


def _huffman(content: bytes) -> Iterator[tuple[int, dict[int, int]]]:
    """(class and number, {value: bits of its code}) of each table (T.81 B.2.4.2). Raises ValueError for no code."""
    while content:
        counts = content[1:17]
        values = content[17 : 17 + sum(counts)]
        room = sum(count << 16 - length for length, count in enumerate(counts, 1))
        if len(counts) < 16 or room > 1 << 16 or len(set(values)) < sum(counts):
            raise ValueError("Huffman codes")
        lengths = [length for length, count in enumerate(counts, 1) for _ in range(count)]
        yield content[0], dict(zip(values, lengths, strict=True))
        content = content[17 + len(values) :]


def _quantizers(content: bytes) -> Iterator[int]:
    """Number of each table of 64 numbers, in one byte or two (T.81 B.2.4.1)."""
    while content:
        yield content[0] & 15
        content = content[129 if content[0] >> 4 else 65 :]
