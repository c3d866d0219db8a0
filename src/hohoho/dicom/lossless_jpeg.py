"""Lossless JPEG has no checksum, but its picture must take just the bits that are there (ITU-T T.81 H.1.2, H.2)."""

import numpy as np

from hohoho.dicom.jpeg import LosslessScan

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


def fills(scan: LosslessScan, stored: np.ndarray) -> bool:
    """Whether a decoded picture, (rows, columns), takes all coded bits but the few that fill the last byte."""
    samples = (stored.astype(np.int32) & (1 << scan.precision) - 1) >> scan.shift
    return 0 <= scan.bits - coded_bits(scan, samples) < 8


def coded_bits(scan: LosslessScan, samples: np.ndarray) -> int:
    """How many bits the differences of (rows, columns) samples take: a Huffman code of each category, and the rest."""
    x, predicted = samples, np.empty_like(samples)
    predicted[0, 0], predicted[0, 1:], predicted[1:, 0] = 1 << scan.precision - scan.shift - 1, x[0, :-1], x[:-1, 0]
    predicted[1:, 1:] = PREDICTORS[scan.predictor](x[1:, :-1], x[:-1, 1:], x[:-1, :-1])
    difference = (x - predicted + 32767 & 0xFFFF) - 32767  # modulo 2**16, from -32767 to 32768
    category = np.frexp(np.abs(difference).astype(np.float32))[1]  # how many bits a number has (table H.2)
    counts = np.bincount(category.ravel())
    return sum(
        int(count) * (scan.code_lengths.get(bits, 0) + bits % LAST_CATEGORY) for bits, count in enumerate(counts)
    )
