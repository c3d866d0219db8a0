"""Scalp, skull and the cavity that holds the brain; the headrest."""

from typing import NamedTuple

import numpy as np

from hohoho.phantom.geometry import Ellipsoid, Surface, grown, intersection, outside, smooth_noise, union
from hohoho.phantom.head import Head
from hohoho.phantom.plane import Plane
from hohoho.phantom.skull_base import ORBIT, PETROUS, SPHENOID_WING, draw_base

SQUARENESS = 0.22  # 0: ellipsoid; larger: boxier, as a superellipse of power 2.25
HEIGHT_BELOW_MM = 125.0  # below the centre the walls go nearly straight down
FLOOR_MM, FLOOR_RISE = -27.0, 0.10  # of the anterior fossa; the middle and posterior fossae are hollows beneath it
MIDDLE_FOSSA = Ellipsoid((37.0, -6.0, -25.0), (24.0, 29.0, 27.0), paired=True)
SELLA = Ellipsoid((0.0, -1.0, -26.0), (9.0, 7.0, 9.0))
POSTERIOR_FOSSA = Ellipsoid((0.0, 43.0, -30.0), (54.0, 41.0, 50.0))
BASE_TOP_MM = 12.0  # above this no slice meets the base
ORBIT_WALL_MM = 2.5
FAT_HU, SKIN_HU, MUSCLE_HU = -75.0, 45.0, 55.0
SKIN_MM = 1.8
MARGIN_MM, FAR_MM = 18.0, 1e6  # room for scalp and eyes; farther than any head
TILT_REACH = 0.3  # sine of the steepest tilt and pitch together


class Cavity(NamedTuple):
    """The space left for the brain."""

    border: Surface
    depth: np.ndarray  # (H, W) mm beneath the border
    vault_depth: np.ndarray  # (H, W) mm beneath the vault alone, as if there were no base


def head_window(plane: Plane, head: Head) -> tuple[slice, slice]:
    """The rows and columns that the head may fill: few near the vertex."""
    width, length, height = head.half_axes_mm
    z = float(plane.z[len(plane.z) // 2, plane.z.shape[1] // 2])
    lowest = max(z - TILT_REACH * length, 0)
    ring = max(1 - (lowest / (height + MARGIN_MM)) ** 4, 0.02) ** 0.25  # wider than the squared egg at any height
    return plane.window((0.0, 0.0, z), (width * ring + MARGIN_MM, length * ring + MARGIN_MM, FAR_MM))


def vault(plane: Plane, head: Head) -> Surface:
    """The outer table: an egg with squared sides."""
    a, b, c = head.half_axes_mm
    u = plane.x * (1 - head.egg_per_mm * plane.y) / a
    v = plane.y / b
    w = np.maximum(plane.z / c, plane.z / -HEIGHT_BELOW_MM)
    uu, vv, ww = u * u, v * v, w * w
    round_part, square_part = 1 - SQUARENESS, SQUARENESS
    r = np.sqrt(round_part * (uu + vv + ww) + square_part * (uu * uu + vv * vv + ww * ww)) + 1e-3
    gx = u * (round_part + 2 * square_part * uu) / a
    gy = v * (round_part + 2 * square_part * vv) / b
    gz = w * (round_part + 2 * square_part * ww) / c
    gradient = np.sqrt(gx * gx + gy * gy + gz * gz) + 1e-6
    return Surface((r - 1) * r / gradient, gz / gradient)


def brain_space(plane: Plane, head: Head, outer: Surface, thickness_mm: np.ndarray) -> Surface:
    """The space for the brain: the vault's inside, over the floors of the three cranial fossae."""
    inner = grown(outer, -thickness_mm)
    if plane.z.min() > BASE_TOP_MM:
        return inner
    floor = Surface(FLOOR_MM + FLOOR_RISE * plane.y - plane.z, np.full_like(plane.z, -0.9))
    fossae = union(plane.surface(MIDDLE_FOSSA), floor, 7.0)
    fossae = union(plane.surface(POSTERIOR_FOSSA), fossae, 5.0)
    fossae = union(plane.surface(SELLA), fossae, 4.0)
    space = intersection(inner, fossae, 6.0)
    space = intersection(space, outside(grown(plane.surface(ORBIT), ORBIT_WALL_MM)), 3.0)
    for ridge in (PETROUS, *SPHENOID_WING):
        space = intersection(space, outside(plane.surface(ridge)), 3.0)
    return space


def draw_skull(plane: Plane, head: Head) -> Cavity:
    """Paint scalp and skull; returns the cavity left for the brain."""
    uneven = smooth_noise(head.bumps, plane.x, plane.y, plane.z)
    outer = vault(plane, head)
    outer.distance[...] += 0.8 * uneven
    temple = np.clip((np.abs(plane.x) - 52) / 14, 0, 1) * np.clip((30 - plane.z) / 25, 0, 1)
    thickness = head.skull_mm * (1 + 0.16 * uneven) * (1 - 0.45 * temple)
    space = brain_space(plane, head, outer, thickness)
    draw_scalp(plane, head, outer, uneven)
    inside = plane.occupancy(outer)
    plane.paint(muscle_hu(plane, head), inside)
    wall = np.minimum(thickness + 0.5, 7)
    bone = inside * plane.occupancy(grown(space, wall))
    diploe = np.maximum(1 - np.abs(space.distance / wall - 0.5) * 3.2, 0)
    plane.paint(head.table_hu - diploe * (head.table_hu - head.diploe_hu), bone, "skull")
    draw_base(plane, head, space, outer)
    return Cavity(space, -space.distance, -outer.distance - thickness)


def muscle_hu(plane: Plane, head: Head) -> np.ndarray | float:
    """Muscle with planes of fat between its bellies, seen only below and beside the base."""
    if plane.z.min() > BASE_TOP_MM:
        return MUSCLE_HU
    belly = np.abs(smooth_noise(head.gyri, plane.x, plane.y, plane.z * 0.5))
    return MUSCLE_HU + np.maximum(0.5 - belly, 0) * 0.65 * (FAT_HU - MUSCLE_HU)


def draw_scalp(plane: Plane, head: Head, outer: Surface, uneven: np.ndarray) -> None:
    """Skin over fat, thicker at the nape."""
    nape = np.clip((plane.y - 30) / 40, 0, 1) * np.clip((-15 - plane.z) / 35, 0, 1)
    scalp = head.scalp_mm * (1 + 0.2 * uneven) + 7 * nape
    skin = grown(outer, scalp)
    plane.paint(SKIN_HU, plane.occupancy(skin))
    plane.paint(FAT_HU, plane.occupancy(grown(skin, -SKIN_MM)), "scalp_fat")


def draw_headrest(plane: Plane, centre_mm: tuple[float, float], radius_mm: float) -> None:
    """The thin shell under the head: an arc, open to the front."""
    dx, dy = plane.x - centre_mm[0], plane.y - centre_mm[1]
    distance = np.sqrt(dx * dx + dy * dy) - radius_mm
    plane.paint(200.0, plane.sheet(distance, 1.2, 0.0) * (dy > 0.12 * radius_mm))
