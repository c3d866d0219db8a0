"""Sulci and fissures: where fluid folds into the brain."""

import numpy as np

from hohoho.phantom.geometry import Ellipsoid, smooth_noise
from hohoho.phantom.head import Head
from hohoho.phantom.plane import Plane

MM_PER_NOISE = 5.2  # distance to a sulcus per unit of the noise whose zeros are the sulci
HEMISPHERE_CENTRE = (17.0, 4.0, 2.0)  # gyri fan out from here
FAN = 0.62  # 1: all sulci point to the centre; 0: they run in any direction
CORE = Ellipsoid((0.0, 2.0, 6.0), (38.0, 42.0, 38.0))  # no sulcus or fissure: basal ganglia and corpus callosum
INSULA_MM = 41.0  # from the midline
INSULA = Ellipsoid((0.0, -6.0, 6.0), (200.0, 22.0, 17.0))


def sulci(plane: Plane, head: Head, depth: np.ndarray, widened_mm) -> tuple[np.ndarray, np.ndarray]:
    """Distance (mm, signed) to the nearest sulcus, and its half width there: 0 below its floor."""
    cx, cy, cz = HEMISPHERE_CENTRE
    x = plane.x - np.where(plane.x > 0, cx, -cx).astype(np.float32)
    y, z = plane.y - cy, plane.z - cz
    fan = (FAN * 60) / np.sqrt(x * x + y * y + z * z + 100) + (1 - FAN)
    noise = smooth_noise(head.gyri, plane.x * 0.25 + x * fan, y * fan, z * fan)
    joined = plane.surface(CORE)
    from_midline = np.abs(plane.x) + np.maximum(-joined.distance, 0) * 2
    shallow = np.minimum(np.maximum(depth, 0), from_midline * 1.3) + np.maximum(-joined.distance, 0) * 2
    floor = head.sulcus_depth_mm * (1 + 0.3 * smooth_noise(head.depths, plane.x, y, z))
    taper = 1.1 - shallow / np.maximum(floor, 5)
    width = (head.sulcus_half_width_mm + widened_mm) * np.minimum(taper * 1.6, 1)
    return noise * MM_PER_NOISE, width


def fissures(plane: Plane, head: Head) -> np.ndarray:
    """The part (0 to 1) of each pixel in the interhemispheric and the Sylvian fissures."""
    width = 0.5 + 1.3 * head.age * head.age
    joined = plane.within(CORE)
    wander = 0.7 * np.sin(plane.y * 0.17 + head.age * 40) + plane.x
    anterior_widening = 1 + 0.8 * np.clip(0.5 - (plane.y + 35) / 6, 0, 1)
    apart = plane.sheet(wander, width * anterior_widening, 0.0) * (1 - joined) * (plane.z > -14)
    if abs(float(plane.z.mean()) - 8) > 34:
        return apart
    return np.maximum(apart, sylvian(plane, head))


def sylvian(plane: Plane, head: Head) -> np.ndarray:
    """The part (0 to 1) of each pixel in the Sylvian fissure: the part over the insula, and the stem to the side."""
    width = 0.5 + 1.7 * head.age
    side = np.abs(plane.x)
    wall = side - INSULA_MM + 0.006 * (plane.y + 6) ** 2 + 0.7 * np.sin(plane.y * 0.5 + plane.z * 0.2 + head.age * 50)
    insula = plane.sheet(wall, width * 0.8, 0.2) * plane.within(INSULA)
    stem = plane.y + 8 - 0.95 * (plane.z - 2) - 0.25 * (side - 40) + 1.5 * np.sin(side * 0.4)
    lateral = np.clip((side - INSULA_MM + 4) / 3, 0, 1) * np.clip((26 - np.abs(plane.z - 6)) / 6, 0, 1)
    return np.maximum(insula, plane.sheet(stem, width, 0.65) * lateral)
