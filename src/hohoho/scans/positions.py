"""Where the slices of a series lie along their normal, also where some or all of them do not say."""

from typing import NamedTuple

import numpy as np

from hohoho.scans.geometry import AXIAL, SAME_PLANE_MM, normal, thickness_mm

AGREE_MM = 0.5  # from here on two statements about one place contradict each other
MOSTLY = 0.6  # of steps up less steps down: numbers that rise or fall along the scan
CROWD = 3  # images at one place, and times as many as elsewhere: that position was never measured


class Placement(NamedTuple):
    """Positions of the images of one series."""

    position_mm: np.ndarray  # (n,) along the normal, rising from foot to head; NaN where an image cannot be placed
    repaired: np.ndarray  # (n,) bool: placed by something else than its position
    warnings: list[str]
    is_measured: bool  # whether Image Position (Patient) gives the order
    is_numbered: bool = False  # whether Instance Number alone does


def place(headers: list) -> Placement:
    """Placement of images of one orientation.

    The many decide. Image Position (0020,0032) counts where it tells images apart. Who lacks one is placed by its Slice
    Location or Instance Number, whose direction and offset are learnt from the others. Where no direction can be
    learnt, all are ordered by Slice Location, else by Instance Number times the thickness, read as rising to the head.
    """
    none_repaired = np.zeros(len(headers), bool)
    warnings = [] if headers[0].orientation else ["no_orientation"]
    measured = _informative(_along_normal(headers))
    is_measured = np.isfinite(measured)
    if is_measured.all():
        return Placement(measured, none_repaired, warnings, True)
    locations = _informative(_numbers(header.slice_location for header in headers))
    instances = _informative(_numbers(header.instance for header in headers))
    if len(_places(measured[is_measured])) > 1:
        position_mm = np.where(is_measured, measured, line_through(locations, measured))
        between = _unless_taken(_between_neighbours(instances, position_mm), position_mm)
        position_mm = np.where(np.isfinite(position_mm), position_mm, between)
        return Placement(position_mm, np.isfinite(position_mm) & ~is_measured, warnings, True)
    if np.isfinite(locations).sum() > len(headers) / 2:
        return Placement(locations, none_repaired, ["ordered_by_slice_location"], False)
    if np.isfinite(instances).sum() > len(headers) / 2:
        step_mm = np.nan_to_num(thickness_mm(headers), nan=1.0)
        return Placement(instances * step_mm, none_repaired, ["ordered_by_instance_number"], False, True)
    return Placement(_along_normal(headers), none_repaired, warnings, True)


def _along_normal(headers):
    """(n,) mm along the normal, NaN without Image Position (Patient)."""
    direction = normal(headers[0].orientation or AXIAL)
    absent = (np.nan, np.nan, np.nan)
    return np.array([header.position or absent for header in headers]) @ direction


def _numbers(values):
    return np.array([np.nan if value is None else value for value in values], float)


def _places(values):
    return np.unique(np.round(values / SAME_PLANE_MM))


def _informative(values):
    """(n,) the values, NaN where one is shared by a crowd while others are not: such a value was never measured."""
    if len(values) < 2 or np.diff(np.sort(values)).min() > SAME_PLANE_MM:
        return values  # all known, no two alike
    places, place, counts = np.unique(np.round(values / SAME_PLANE_MM), return_inverse=True, return_counts=True)
    counts = np.where(np.isfinite(places), counts, 0)
    known = counts.sum()
    usual = np.quantile(np.repeat(counts, counts), 0.25) if known else 0  # of images: half of them may be a crowd
    crowded = (counts >= CROWD) & ((counts > known / 2) | (counts > CROWD * usual))
    return np.where(crowded[place] & (known > 1), np.nan, values)


def line_through(numbers: np.ndarray, position_mm: np.ndarray, share: float = 0.5) -> np.ndarray:
    """(n,) mm: a straight line by number, NaN without one.

    More than `share` of the images that have both a number and a position lie on it; else it is NaN all along.
    """
    both = np.isfinite(numbers) & np.isfinite(position_mm)
    order = np.flatnonzero(both)[np.argsort(numbers[both], kind="stable")]
    steps, rises = np.diff(numbers[order]), np.diff(position_mm[order])
    if not (steps > 0).any():
        return np.full(len(numbers), np.nan)
    slope = np.median(rises[steps > 0] / steps[steps > 0])
    line = slope * numbers
    line += np.median((position_mm - line)[both])
    step_mm = np.median(np.abs(rises[steps > 0]))
    fits = np.abs(position_mm - line)[both] <= max(AGREE_MM, step_mm / 5)
    return line if slope and fits.mean() > share else np.full(len(numbers), np.nan)


def _between_neighbours(numbers, position_mm):
    """(n,) mm by number, straight from placed image to placed image and on beyond; NaN where the order is lost."""
    both = np.isfinite(numbers) & np.isfinite(position_mm)
    x, first = np.unique(numbers[both], return_index=True)
    y = position_mm[both][first]
    if len(x) < 2 or abs(np.sign(np.diff(y)).mean()) < MOSTLY:
        return np.full(len(numbers), np.nan)
    inside = np.interp(numbers, x, y)
    below = y[0] + (numbers - x[0]) * (y[1] - y[0]) / (x[1] - x[0])
    above = y[-1] + (numbers - x[-1]) * (y[-1] - y[-2]) / (x[-1] - x[-2])
    return np.where(numbers < x[0], below, np.where(numbers > x[-1], above, inside))


def _unless_taken(guess, position_mm):
    """The guessed places that no image holds yet, NaN elsewhere."""
    held = position_mm[np.isfinite(position_mm)]
    steps = np.diff(_places(guess[np.isfinite(guess)])) * SAME_PLANE_MM
    step_mm = np.median(steps) if len(steps) else 0
    return np.where(np.abs(guess[:, None] - held).min(axis=1) < step_mm / 2, np.nan, guess)
