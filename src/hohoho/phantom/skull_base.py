"""What lies beneath and before the brain: petrous bone, sphenoid, ethmoid, air sinuses, orbits and eyes."""

import numpy as np

from hohoho.phantom.geometry import Capsule, Ellipsoid, Surface, ball, grown, smooth_noise
from hohoho.phantom.head import Head
from hohoho.phantom.plane import Plane

ORBIT = Capsule((12.0, -36.0, -36.0), (33.0, -70.0, -38.0), 4.0, 17.0, paired=True)
ORBITS_MM = (0.0, -60.0, -38.0), (62.0, 36.0, 21.0)  # centre and reach of both
EYE = ball((33.0, -75.0, -38.0), 12.0, paired=True)
LID = ball(EYE.centre, 15.0, paired=True)
LENS = Ellipsoid((33.0, -83.0, -38.0), (4.5, 2.2, 4.5), paired=True)
NERVE_AND_MUSCLES = (
    Capsule((10.0, -34.0, -35.0), (32.0, -64.0, -38.0), 2.0, 2.0, paired=True),
    Capsule((12.0, -38.0, -36.0), (21.0, -70.0, -38.0), 1.8, 1.6, paired=True),
    Capsule((15.0, -38.0, -36.0), (45.0, -68.0, -38.0), 1.8, 1.6, paired=True),
)
PETROUS = Capsule((12.0, 4.0, -36.0), (60.0, 28.0, -38.0), 5.5, 11.0, paired=True)
SPHENOID_WING = (
    Capsule((15.0, -17.0, -29.0), (37.0, -35.0, -25.0), 2.0, 2.2, paired=True),
    Capsule((37.0, -35.0, -25.0), (60.0, -31.0, -17.0), 2.2, 4.5, paired=True),
)
MASTOID_CELLS = Ellipsoid((57.0, 30.0, -44.0), (13.0, 15.0, 17.0), paired=True)
SPHENOID = Ellipsoid((0.0, -16.0, -40.0), (17.0, 24.0, 16.0))
SPHENOID_SINUS = Ellipsoid((7.0, -20.0, -42.0), (7.0, 13.0, 10.0), paired=True)
ETHMOID = Ellipsoid((0.0, -58.0, -46.0), (14.0, 26.0, 18.0))
FRONTAL_SINUS = Ellipsoid((9.0, -80.0, -17.0), (9.0, 4.0, 11.0), paired=True)
EAR_CANAL = Capsule((48.0, 16.0, -46.0), (84.0, 14.0, -46.0), 2.5, 3.5, paired=True)
AIR_HU, ORBIT_FAT_HU, EYE_HU, LENS_HU, MUSCLE_HU = -950.0, -85.0, 12.0, 60.0, 55.0
PETROUS_HU, WALL_HU, CELL_HU = 1500.0, 900.0, -800.0
TOP_MM = 0.0


def draw_base(plane: Plane, head: Head, cavity: Surface, outer: Surface) -> None:
    """Paint the base of the skull outside the cavity."""
    if plane.z.min() > TOP_MM:
        return
    free = (1 - plane.occupancy(cavity)) * plane.occupancy(outer)  # 1 where the brain is not
    draw_bones(plane, head, free)
    draw_sinuses(plane, head, free)
    window = plane.window(*ORBITS_MM)
    if window is not None:
        draw_orbits(plane[window])


def draw_bones(plane: Plane, head: Head, free: np.ndarray) -> None:
    """Sphenoid body and petrous pyramids, these with air cells at their outer end."""
    plane.paint(WALL_HU, free * plane.within(SPHENOID), "skull")
    plane.paint(PETROUS_HU, free * plane.within(PETROUS), "skull")
    for rod in SPHENOID_WING:
        plane.paint(WALL_HU, free * plane.within(rod), "skull")
    cells = plane.within(MASTOID_CELLS) * free
    plane.paint(WALL_HU, cells, "skull")
    bubbles = np.clip(smooth_noise(head.cells, plane.x, plane.y, plane.z) * 2.0 - 0.1, 0, 1)
    plane.paint(CELL_HU, cells * bubbles, "air_sinus")
    plane.paint(AIR_HU, plane.within(EAR_CANAL) * free)


def draw_sinuses(plane: Plane, head: Head, free: np.ndarray) -> None:
    """Sphenoid and frontal sinus, and the ethmoid: air between thin walls."""
    plane.paint(AIR_HU, free * plane.within(SPHENOID_SINUS), "air_sinus")
    frontal = plane.surface(FRONTAL_SINUS)
    plane.paint(WALL_HU, free * plane.occupancy(grown(frontal, 2.5)), "skull")
    plane.paint(AIR_HU, free * plane.occupancy(frontal), "air_sinus")
    ethmoid = plane.within(ETHMOID)
    plane.paint(WALL_HU, ethmoid * free, "skull")
    bubbles = np.clip(np.abs(smooth_noise(head.cells, plane.x, plane.y * 0.6, plane.z * 0.6)) * 4 - 0.6, 0, 1)
    septum = 1 - plane.sheet(plane.x, 0.8, 0.0)
    plane.paint(AIR_HU, ethmoid * free * bubbles * septum, "air_sinus")


def draw_orbits(plane: Plane) -> None:
    """Orbital fat in its bony wall, optic nerve and muscles, the eye with its lens."""
    orbit = plane.surface(ORBIT)
    plane.paint(WALL_HU, plane.occupancy(grown(orbit, 2.2)) * (plane.hu > -500), "skull")
    plane.paint(ORBIT_FAT_HU, plane.occupancy(orbit))
    for rod in NERVE_AND_MUSCLES:
        plane.paint(MUSCLE_HU, plane.within(rod))
    plane.paint(MUSCLE_HU, plane.within(LID) * (plane.hu < -900))
    globe = plane.surface(EYE)
    plane.paint(MUSCLE_HU, plane.occupancy(globe))
    plane.paint(EYE_HU, plane.occupancy(grown(globe, -1.5)), "eye")
    plane.paint(LENS_HU, plane.within(LENS))
