"""What lies beneath and before the brain: petrous bone, sphenoid, ethmoid, air sinuses, orbits and eyes."""

import numpy as np

from hohoho.phantom.geometry import Capsule, Surface, capsule, ellipsoid, smooth_noise
from hohoho.phantom.head import Head
from hohoho.phantom.plane import Plane

ORBIT = Capsule((12.0, -36.0, -36.0), (33.0, -70.0, -38.0), 4.0, 17.0)
EYE = (33.0, -75.0, -38.0), 12.0
OPTIC_NERVE = Capsule((10.0, -34.0, -35.0), (32.0, -64.0, -38.0), 2.0, 2.0)
MUSCLES = (
    Capsule((12.0, -38.0, -36.0), (21.0, -70.0, -38.0), 1.8, 1.6),
    Capsule((15.0, -38.0, -36.0), (45.0, -68.0, -38.0), 1.8, 1.6),
)
PETROUS = Capsule((12.0, 4.0, -36.0), (60.0, 28.0, -38.0), 5.5, 11.0)
SPHENOID_WING = (
    Capsule((15.0, -17.0, -29.0), (37.0, -35.0, -25.0), 2.0, 2.2),
    Capsule((37.0, -35.0, -25.0), (60.0, -31.0, -17.0), 2.2, 4.5),
)
MASTOID_CELLS = (57.0, 30.0, -44.0), (13.0, 15.0, 17.0)
SPHENOID = (0.0, -16.0, -40.0), (17.0, 24.0, 16.0)
SPHENOID_SINUS = (7.0, -20.0, -42.0), (7.0, 13.0, 10.0)
ETHMOID = (0.0, -58.0, -46.0), (14.0, 26.0, 18.0)
FRONTAL_SINUS = (9.0, -80.0, -17.0), (9.0, 4.0, 11.0)
EAR_CANAL = Capsule((48.0, 16.0, -46.0), (84.0, 14.0, -46.0), 2.5, 3.5)
AIR_HU, ORBIT_FAT_HU, EYE_HU, LENS_HU, MUSCLE_HU = -950.0, -85.0, 12.0, 60.0, 55.0
PETROUS_HU, WALL_HU, CELL_HU = 1500.0, 900.0, -800.0
TOP_MM = 0.0


def draw_base(plane: Plane, head: Head, cavity: Surface, outer: Surface) -> None:
    """Paint the base of the skull outside the cavity."""
    if plane.z.min() > TOP_MM:
        return
    side = np.abs(plane.x)
    free = (1 - plane.occupancy(cavity)) * plane.occupancy(outer)  # 1 where the brain is not
    draw_bones(plane, head, side, free)
    draw_sinuses(plane, head, side, free)
    draw_orbits(plane, side)


def draw_bones(plane: Plane, head: Head, side: np.ndarray, free: np.ndarray) -> None:
    """Sphenoid body and petrous pyramids, these with air cells at their outer end."""
    y, z = plane.y, plane.z
    plane.paint(WALL_HU, free * plane.occupancy(ellipsoid(side, y, z, *SPHENOID)), "skull")
    plane.paint(PETROUS_HU, free * plane.occupancy(capsule(side, y, z, PETROUS)), "skull")
    for rod in SPHENOID_WING:
        plane.paint(WALL_HU, free * plane.occupancy(capsule(side, y, z, rod)), "skull")
    cells = plane.occupancy(ellipsoid(side, y, z, *MASTOID_CELLS)) * free
    plane.paint(WALL_HU, cells, "skull")
    bubbles = np.clip(smooth_noise(head.cells, plane.x, y, z) * 2.0 - 0.1, 0, 1)
    plane.paint(CELL_HU, cells * bubbles, "air_sinus")
    plane.paint(AIR_HU, plane.occupancy(capsule(side, y, z, EAR_CANAL)) * free)


def draw_sinuses(plane: Plane, head: Head, side: np.ndarray, free: np.ndarray) -> None:
    """Sphenoid and frontal sinus, and the ethmoid: air between thin walls."""
    y, z = plane.y, plane.z
    plane.paint(AIR_HU, free * plane.occupancy(ellipsoid(side, y, z, *SPHENOID_SINUS)), "air_sinus")
    frontal = ellipsoid(side, y, z, *FRONTAL_SINUS)
    plane.paint(WALL_HU, free * plane.occupancy(Surface(frontal.distance - 2.5, frontal.slope)), "skull")
    plane.paint(AIR_HU, free * plane.occupancy(frontal), "air_sinus")
    ethmoid = plane.occupancy(ellipsoid(plane.x, y, z, *ETHMOID))
    plane.paint(WALL_HU, ethmoid * free, "skull")
    bubbles = np.clip(np.abs(smooth_noise(head.cells, plane.x, y * 0.6, z * 0.6)) * 4 - 0.6, 0, 1)
    septum = 1 - plane.sheet(plane.x, 0.8, 0.0)
    plane.paint(AIR_HU, ethmoid * free * bubbles * septum, "air_sinus")


def draw_orbits(plane: Plane, side: np.ndarray) -> None:
    """Orbital fat in its bony wall, optic nerve and muscles, the eye with its lens."""
    centre = 0.0, -60.0, -38.0
    window = plane.window(centre, (62.0, 36.0, 21.0))
    if window is None:
        return
    part, side = plane[window], side[window]
    orbit = capsule(side, part.y, part.z, ORBIT)
    part.paint(WALL_HU, part.occupancy(Surface(orbit.distance - 2.2, orbit.slope)) * (part.hu > -500), "skull")
    part.paint(ORBIT_FAT_HU, part.occupancy(orbit))
    for rod in (OPTIC_NERVE, *MUSCLES):
        part.paint(MUSCLE_HU, part.occupancy(capsule(side, part.y, part.z, rod)))
    (x, y, z), radius = EYE
    lid = ellipsoid(side, part.y, part.z, (x, y, z), (radius + 3,) * 3)
    part.paint(MUSCLE_HU, part.occupancy(lid) * (part.hu < -900))
    globe = ellipsoid(side, part.y, part.z, (x, y, z), (radius,) * 3)
    part.paint(MUSCLE_HU, part.occupancy(globe))
    part.paint(EYE_HU, part.occupancy(Surface(globe.distance + 1.5, globe.slope)), "eye")
    lens = ellipsoid(side, part.y, part.z, (x, y - 8.0, z), (4.5, 2.2, 4.5))
    part.paint(LENS_HU, part.occupancy(lens))
