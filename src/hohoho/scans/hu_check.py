"""Are these Hounsfield units? What the values of a whole scan tell, where no tag does.

A head in HU has air, near -1000, and a mode of soft tissue, from water at 0 to blood at 80. Every rule needs far less
of either than any part of a head has, and a cut-out that shows tissue alone is not doubted. Besides these two only fat
makes a narrow mode: bone spreads over a thousand HU.
"""

from collections.abc import Sequence

import numpy as np

from hohoho.dicom.hounsfield import AIR_HU, HIGHEST_HU

LEAST_AIR, LEAST_TISSUE, LEAST_FLOOR = 0.005, 0.01, 0.05  # of all values
AIR, TISSUE = (AIR_HU, -900), (1, 100)
SHIFTED_TISSUE, BESIDE_IT = (1000, 1110), (800, 960)  # soft tissue where 1000 or 1024 was added, bone where not
GREY, WHITE = (101, 255), (230, 255)  # above soft tissue; where the bones of an 8-bit picture end
USUAL_AIR = 0.1  # of the values of a slice; heads that are cut out have less
BEYOND_BONE, MOST_METAL = (3100, HIGHEST_HU), 0.02
NO_MODES, FAT, MODE_HU = ((-850, -200), (150, 1100)), (-200, -50), 40  # where a head has none; width of a mode
MOST_BESIDE, MOST_FAT = 0.1, 0.25  # of all values in one mode there; a head has 0.03, and less fat
BRIGHTEST_TISSUE = 50  # HU at the mode of brain; it is 25 to 40
COUNTED = 2200  # values from AIR_HU up to where no mode is looked for
FEWEST_VALUES = 20  # different ones, fewer are no picture of a head


class _Values:
    """How often each value from AIR_HU to HIGHEST_HU is there."""

    def __init__(self, hu: np.ndarray):
        counts = np.bincount(np.clip(hu, AIR_HU, HIGHEST_HU).ravel().astype(np.int32) - AIR_HU, minlength=COUNTED)
        self.seen = np.flatnonzero(counts)
        self.lowest, self.highest = int(self.seen[0]) + AIR_HU, int(self.seen[-1]) + AIR_HU
        self.below = np.concatenate([[0], np.cumsum(counts)]) / hu.size

    def share(self, limits: tuple[int, int]) -> float:
        """Of all values, those from limits[0] to limits[1]."""
        low, high = (min(limit - AIR_HU, len(self.below) - 1) for limit in (limits[0], limits[1] + 1))
        return self.below[high] - self.below[low]

    def mode(self, limits: tuple[int, int], width: int = MODE_HU) -> tuple[float, int]:
        """(share, lowest value) of the fullest `width` neighbouring values within the limits."""
        low, high = (limit - AIR_HU for limit in limits)
        shares = self.below[low + width : high + 1] - self.below[low : high + 1 - width]
        best = int(shares.argmax())
        return shares[best], limits[0] + best


def hu_warning(hu: np.ndarray) -> str | None:
    """Why values of any shape, drawn from a whole scan of a head, are hardly HU; None where nothing speaks against it.

    docs/data.md says what each reason means.
    """
    if not hu.size:
        return None
    values = _Values(hu)
    share, lowest, highest = values.share, values.lowest, values.highest
    if share(SHIFTED_TISSUE) > 3 * max(LEAST_TISSUE, share(BESIDE_IT)):
        return "values_offset_by_1024"
    if lowest >= 0 and WHITE[0] <= highest <= WHITE[1] and share(GREY) > LEAST_TISSUE:
        return "eight_bit_values"
    if share(TISSUE) < LEAST_TISSUE:
        return "no_soft_tissue"
    if share(AIR) < LEAST_AIR and share((0, 0)) > LEAST_FLOOR:
        return "background_zero"
    if share(AIR) < LEAST_AIR and share((lowest, lowest)) > LEAST_FLOOR:
        return "no_air"
    if share(BEYOND_BONE) > MOST_METAL:
        return "values_too_high"
    if len(values.seen) < FEWEST_VALUES:
        return None
    if highest > BRIGHTEST_TISSUE and share((highest, highest)) > LEAST_FLOOR:
        return "clipped_values"
    return "values_scaled" if _is_scaled(values) else None


def slices_unlike_others(samples: Sequence[np.ndarray]) -> list[int]:
    """Indices of the slices without air in a scan whose others have it: these few are no HU, or not of this scan.

    samples: values of each slice.
    """
    if not len(samples):
        return []
    sizes = np.array([hu.size for hu in samples])
    is_air = np.concatenate([hu.ravel() for hu in samples]) < AIR[1]
    air = np.add.reduceat(is_air, np.cumsum(sizes) - sizes, dtype=int) / sizes
    if np.median(air) < USUAL_AIR:
        return []
    return np.flatnonzero(air < LEAST_AIR).tolist()


def _is_scaled(values: _Values) -> bool:
    """Whether a wrong slope moved the modes of air and soft tissue, or left gaps between values that are too bright."""
    if max(values.mode(limits)[0] for limits in NO_MODES) > MOST_BESIDE:
        return True
    if values.share(AIR) < LEAST_AIR and values.mode(FAT)[0] > MOST_FAT:  # air at a tenth of its value
        return True
    measured = values.seen[(values.seen > 0) & (values.seen < HIGHEST_HU - AIR_HU)]
    has_gaps = np.gcd.reduce(np.diff(measured)) > 1
    return bool(has_gaps and values.mode((1, 1100), 15)[1] + 7 > BRIGHTEST_TISSUE)
