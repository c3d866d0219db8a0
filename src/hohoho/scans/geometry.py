"""The geometry of a series: order along its normal, gaps, tilt, and which slices belong together."""

import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from statistics import median

import numpy as np

WIDE_GAP = 1.5  # times the median, or the local step: from here on two slices are flagged as no true neighbours
# What a gap costs as an explanation, in missing slices: one far below the step has no natural cause but a border. Three
# wide gaps in a row at an end of a scan are a new step, two are missing slices; in the middle five of them still are.
SHORT_GAP, NEW_STEP = 2.0, 2.5
SAME_PLANE_MM = 0.01
TILTED_DEG = 1.0  # from here on the gantry was tilted
SAME_DIRECTION = np.cos(np.radians(2))
LOCALIZER_ANGLE = np.cos(np.radians(45))
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


@lru_cache(maxsize=256)  # the slices of a series ask for the same one
def normal(orientation: tuple[float, ...]) -> np.ndarray:
    """(3,) unit normal of a slice from Image Orientation (PS3.3 C.7.6.2.1.1), signed to run foot to head (z > 0)."""
    direction = np.cross(orientation[:3], orientation[3:])
    direction = direction / np.linalg.norm(direction)
    return -direction if direction[2] < 0 else direction


def tilt_deg(orientation: tuple[float, ...] | None) -> float:
    """Degrees between the slices and the axial plane, NaN where it is unknown; vendors disagree on Gantry Tilt."""
    if orientation is None:
        return math.nan
    return float(np.degrees(np.arccos(np.clip(normal(orientation)[2], -1, 1))))


def misnumbering(headers: list) -> str | None:
    """How Instance Numbers, where all are there, differ from the order of these headers, foot to head.

    "reversed_instance_numbers", "shuffled_instance_numbers", or None where they rise all along.
    """
    numbers = [header.instance for header in headers]
    steps = np.diff(numbers) if None not in numbers else np.ones(1)
    if (steps > 0).all():
        return None
    return "reversed_instance_numbers" if (steps < 0).all() else "shuffled_instance_numbers"


def thickness_mm(headers: list) -> float:
    """Median Slice Thickness (0018,0050), NaN where no header has one."""
    known = [header.thickness_mm for header in headers if not math.isnan(header.thickness_mm)]
    return median(known) if known else math.nan


def gap_range_mm(position_mm: np.ndarray) -> dict[str, float]:
    """The smallest, median and largest distance between neighbouring slices; NaN for a single one."""
    gaps = np.diff(position_mm) if len(position_mm) > 1 else np.array([np.nan])
    return {"min": gaps.min(), "median": np.median(gaps), "max": gaps.max()}


def wide_gaps(position_mm: Sequence[float]) -> np.ndarray:
    """(Z,) bool: whether the gap below a slice is more than 1.5 times the median gap; the first slice has none."""
    gaps = np.diff(position_mm)
    flags = np.zeros(len(position_mm), bool)
    if len(gaps):
        flags[1:] = gaps > WIDE_GAP * median(gaps.tolist())
    return flags


def missing_slices(position_mm: Sequence[float], step_mm: float | None = None) -> np.ndarray:
    """(Z,) bool: whether a slice is missing below a slice: the gap is more than 1.5 times the step there.

    step_mm: of the whole scan, where it is known; None: told from the gaps. Unlike `wide_gaps` this tells lost slices,
    also several near each other, from a scan that changes its spacing half way up.
    """
    gaps = np.diff(position_mm)
    flags = np.zeros(len(position_mm), bool)
    flags[1:] = gaps > WIDE_GAP * (_local_steps(gaps) if step_mm is None else step_mm)
    return flags


def _local_steps(gaps):
    """(n,) the step that each gap is compared with: the sequence of steps that explains all gaps at the least cost.

    A gap off its step costs the logarithm of their ratio, in units of WIDE_GAP: a wide one at most 1, however many
    slices are missing in it, a short one at most SHORT_GAP. A new step costs NEW_STEP. The cheapest sequence is found
    as by Viterbi; where two steps meet, the larger one counts.
    """
    gaps = np.maximum(np.round(gaps, 2), SAME_PLANE_MM)
    if not len(gaps) or not gaps.max() > WIDE_GAP * gaps.min():  # not so either where an order is unknown: NaN
        return gaps
    steps = np.unique(gaps)
    costs = np.clip(np.log(gaps[:, None] / steps) / np.log(WIDE_GAP), -SHORT_GAP, 1)
    least, came_from = np.zeros(len(steps)), []
    for cost in np.abs(costs):
        cheapest = least.argmin()
        is_new = least > least[cheapest] + NEW_STEP
        came_from.append(np.where(is_new, cheapest, np.arange(len(steps))))
        least = np.where(is_new, least[cheapest] + NEW_STEP, least) + cost
    path = [least.argmin()]
    for previous in came_from[:0:-1]:
        path.append(previous[path[-1]])
    local = np.pad(steps[path[::-1]], 1, mode="edge")
    return np.max([local[:-2], local[1:-1], local[2:]], axis=0)


def gap_warnings(position_mm: Sequence[float], missing: np.ndarray) -> list[str]:
    """What the gaps of one scan are warned of: those where a slice is missing, and uneven ones among the others.

    missing: (Z,) bool, whether a slice is missing below each slice.
    """
    gaps = np.diff(position_mm)
    regular = gaps[~missing[1:]]
    uneven = len(regular) and np.ptp(regular) > 0.1 * median(gaps.tolist())
    return ["uneven_gaps"] * bool(uneven) + ["missing_slice"] * bool(missing.any())


def split_orientations(headers: list) -> tuple[list, list[tuple]]:
    """(headers of the largest group of one orientation, [(header, reason)] of all others).

    More than 45° off is a localizer that hides in the series. Ties go to the orientation that sorts first.
    """
    directions = [header.orientation or AXIAL for header in headers]
    counts = Counter(directions)  # few: whole series share one
    near = Counter()
    for direction, count in counts.items():
        near[tuple(np.round(direction, 3).tolist())] += count
    mode = min(near, key=lambda direction: (-near[direction], direction))
    reasons = {direction: _off(direction, mode) for direction in counts}
    told = [(header, reasons[direction]) for header, direction in zip(headers, directions, strict=True)]
    return [header for header, reason in told if reason is None], [each for each in told if each[1] is not None]


def _off(direction, mode):
    """Why a slice of this direction does not belong to those of `mode`, None where it does."""
    along = float(normal(direction) @ normal(mode))
    if along > SAME_DIRECTION and float(np.dot(direction[:3], mode[:3])) > SAME_DIRECTION:
        return None
    return "localizer" if along < LOCALIZER_ANGLE else "other_orientation"


def is_axial(headers: list) -> bool:
    """Whether the first slice lies within 45° of the axial plane."""
    return normal(headers[0].orientation or AXIAL)[2] > LOCALIZER_ANGLE
