"""The ventricles and the cisterns, as chains of tapered rods for one side, mirrored to the other."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from hohoho.phantom.geometry import Capsule
from hohoho.phantom.plane import Plane

# The left lateral ventricle (x, y, z, radius in mm), from the tip of its frontal to that of its occipital horn.
LATERAL = (
    (15.5, -37.0, 14.0, 2.0),
    (10.0, -29.0, 17.0, 4.4),
    (4.6, -10.0, 20.0, 4.0),
    (8.5, 8.0, 26.0, 4.9),
    (15.0, 24.0, 24.0, 5.6),
    (23.0, 36.0, 13.0, 7.0),
    (21.0, 50.0, 8.0, 4.0),
    (17.0, 63.0, 6.0, 1.2),
)
TEMPORAL_HORN = ((25.0, 34.0, 9.0, 5.0), (31.0, 22.0, -6.0, 2.4), (30.0, 0.0, -16.0, 1.6))
THIRD = ((0.0, -8.0, 8.0, 1.8), (0.0, 8.0, 6.0, 2.2), (0.0, 20.0, 4.0, 1.6))
AQUEDUCT = ((0.0, 20.0, 4.0, 1.6), (0.0, 30.0, -12.0, 0.9), (0.0, 37.0, -22.0, 1.4))
FOURTH = ((0.0, 36.0, -24.0, 2.2), (0.0, 41.0, -32.0, 5.2), (0.0, 42.0, -44.0, 1.6))
FORAMEN_OF_MONRO = ((4.0, -10.0, 18.0, 2.0), (0.0, -7.0, 10.0, 1.8))
TALLNESS = 0.72  # a ventricle is taller than wide: heights are pressed by this before its rods are measured
BODY_HEIGHT_MM = 20.0  # the height that this pressing leaves in place

SUPRASELLAR = (  # a star: arms to the front, to the Sylvian fissures, and round the midbrain
    ((0.0, -4.0, -14.0, 4.0), (0.0, -20.0, -11.0, 1.8)),
    ((0.0, -4.0, -14.0, 3.2), (18.0, -11.0, -12.0, 2.2), (36.0, -13.0, -8.0, 2.0)),
    ((2.0, 0.0, -14.0, 3.0), (13.0, 9.0, -12.0, 2.0), (16.0, 22.0, -9.0, 1.9)),
    ((16.0, 22.0, -9.0, 1.9), (9.0, 33.0, -6.0, 2.6), (0.0, 36.0, -4.0, 3.4)),  # quadrigeminal cistern
    ((0.0, 36.0, -3.0, 3.0), (0.0, 50.0, 1.0, 1.4)),
)
PONTINE = (  # prepontine, cerebellopontine angle
    ((0.0, 3.0, -20.0, 2.4), (0.0, 1.0, -42.0, 2.0)),
    ((3.0, 3.0, -30.0, 2.0), (23.0, 17.0, -31.0, 2.6)),
    ((0.0, 72.0, -52.0, 3.0), (0.0, 76.0, -60.0, 6.0)),  # cisterna magna
)


def fill(plane: Plane, chains: tuple, scale: float, asymmetry_mm: float) -> np.ndarray:
    """The part (0 to 1) of each pixel inside both sides' chains, radii times `scale`; asymmetry_mm: see fill_rod."""
    total = np.zeros_like(plane.x)
    for chain in chains:
        for a, b in pairwise(chain):
            rod = Capsule(a[:3], b[:3], a[3] * scale, b[3] * scale, paired=True)
            fill_rod(plane, rod, asymmetry_mm, total)
    return total


def fill_rod(plane: Plane, rod: Capsule, asymmetry_mm: float, total: np.ndarray) -> None:
    """Add one rod and its mirror image to `total`; off the midline, the left one is `asymmetry_mm` wider."""
    reach = max(rod.start_radius, rod.end_radius) + abs(asymmetry_mm) + 2
    middle = [(s + e) / 2 for s, e in zip(rod.start, rod.end, strict=True)]
    half = [abs(s - e) / 2 + reach for s, e in zip(rod.start, rod.end, strict=True)]
    # Both sides in one window: wide enough for the rod and its mirror image.
    window = plane.window((0.0, middle[1], middle[2]), (middle[0] + half[0], half[1], half[2]))
    if window is None:
        return
    part = plane[window]
    widen = asymmetry_mm if rod.start[0] > 0 else 0.0
    surface = part.surface(rod)
    surface.distance[...] -= widen * np.sign(part.x)
    np.maximum(total[window], part.occupancy(surface), out=total[window])


def lateral_ventricles(plane: Plane, scale: float, asymmetry_mm: float) -> np.ndarray:
    """The part (0 to 1) of each pixel in the lateral ventricles with their horns."""
    height = BODY_HEIGHT_MM + (plane.z - BODY_HEIGHT_MM) * TALLNESS
    pressed = replace(plane, z=height, thickness_mm=plane.thickness_mm * TALLNESS)
    return fill(pressed, (LATERAL, TEMPORAL_HORN), scale, asymmetry_mm)


def midline_ventricles(plane: Plane, scale: float) -> np.ndarray:
    """The part (0 to 1) of each pixel in the third and fourth ventricle and what joins them."""
    return fill(plane, (THIRD, AQUEDUCT, FOURTH, FORAMEN_OF_MONRO), scale**0.7, 0.0)


def cisterns(plane: Plane, scale: float) -> np.ndarray:
    """The part (0 to 1) of each pixel in the cisterns at the base of the brain."""
    return fill(plane, SUPRASELLAR + PONTINE, scale, 0.0)
