"""What is varied, one thing at a time, at which levels; and what it is held at while another thing varies.

Levels and held values were chosen on ten heads of seed PILOT_SEED, so that a bleed as held is found in 60 to 90 % of
heads by the better model and most curves rise or fall within their levels; results are of heads of SEED. What is not
named here (place of the bleed, scanner, tilt of the gantry, spoilt slices, look-alikes) differs from head to head
as in the population and is the same at every level.
"""

from typing import NamedTuple

from hohoho.labels import LABELS

SEED, PILOT_SEED = 22, 5
CONTRAST, NOISE, THICKNESS, TILT = "contrast", "noise", "slice thickness", "tilt"
VOLUME, BLOOD_THICKNESS = "volume", "thickness"  # of the bleed


class Factor(NamedTuple):
    """One thing that varies."""

    name: str
    unit: str
    is_log: bool  # curves are fitted over its logarithm
    helps: bool  # the more of it, the more is found
    held: float
    levels: tuple[float, ...]  # rising, `held` among them


SIZES = {  # radius (ich: of a ball of the same volume; ivh, sah: of the ball that is filled) or thickness, mm
    "ich": Factor(VOLUME, "mL", True, True, 14.0, (5.0, 7.0, 10.0, 14.0, 20.0, 28.0)),
    "ivh": Factor(VOLUME, "mL", True, True, 28.0, (7.0, 10.0, 14.0, 20.0, 28.0, 40.0)),
    "sah": Factor(VOLUME, "mL", True, True, 40.0, (10.0, 14.0, 20.0, 28.0, 40.0, 56.0)),
    "sdh": Factor(BLOOD_THICKNESS, "mm", True, True, 8.0, (2.8, 4.0, 5.6, 8.0, 11.0, 16.0)),
    "edh": Factor(BLOOD_THICKNESS, "mm", True, True, 19.0, (4.0, 6.0, 9.0, 13.0, 19.0, 28.0)),
}
OTHERS = (
    Factor(CONTRAST, "HU", True, True, 30.0, (5.0, 8.0, 12.0, 18.0, 30.0, 45.0)),
    Factor(NOISE, "×", True, False, 1.0, (0.5, 1.0, 1.7, 3.0, 5.0, 8.0)),
    Factor(THICKNESS, "mm", True, False, 5.0, (2.5, 5.0, 7.5, 12.5, 17.5)),
    Factor(TILT, "degrees", False, False, 0.0, (0.0, 10.0, 20.0, 30.0, 40.0)),
)
OF_SCAN = (NOISE, THICKNESS, TILT)  # these change a head without a bleed too


def factors_of(label: str | None) -> tuple[Factor, ...]:
    """All that varies for a class; None: for heads without a bleed."""
    return (SIZES[label], *OTHERS) if label else tuple(factor for factor in OTHERS if factor.name in OF_SCAN)


def reference_of(factor: str, level: float) -> tuple[str, float]:
    """Factor and level of the heads without a bleed that give the threshold for this condition."""
    return (factor, level) if factor in OF_SCAN else (NOISE, next(f.held for f in OTHERS if f.name == NOISE))


def scans_needed(heads: int, reference_heads: int) -> int:
    """How many scans the models look at: what all factors hold is scanned once."""
    counts = {label: 1 + sum(len(f.levels) - 1 for f in factors_of(label)) for label in (*LABELS, None)}
    return heads * sum(counts[label] for label in LABELS) + reference_heads * counts[None]
