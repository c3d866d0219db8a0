"""What is bright in a head without being blood."""

from typing import NamedTuple

import numpy as np

from hohoho.phantom.geometry import Capsule, Ellipsoid
from hohoho.phantom.plane import Plane

CHOROID = (22.0, 36.0, 14.0)
PINEAL = (0.0, 29.0, 2.0)
PALLIDUM = (19.0, 0.0, 6.0)
MIDDLE_CEREBRAL_ARTERY = Capsule((9.0, -8.0, -12.0), (30.0, -14.0, -10.0), 1.6, 1.3)
P_CHOROID, P_PINEAL, P_PALLIDUM = 0.55, 0.6, 0.12
P_FALX_PLAQUE, P_STRAY, P_ARTERY, P_BRIGHT_SINUS = 0.15, 0.15, 0.08, 0.12


class Spot(NamedTuple):
    """A small bright ellipsoid."""

    shape: Ellipsoid
    hu: float


class Lookalikes(NamedTuple):
    spots: tuple[Spot, ...]
    artery: tuple[int, float] | None  # side, HU
    bright_sinus_hu: float  # added to the transverse sinuses


def draw_lookalikes(rng: np.random.Generator) -> Lookalikes:
    """A patient's calcifications and dense vessels."""
    spots = []
    if rng.random() < P_CHOROID:
        spots += choroid(rng)
    if rng.random() < P_PINEAL:
        spots.append(Spot(Ellipsoid(PINEAL, tuple(rng.uniform(1.6, 3, 3).tolist())), rng.uniform(90, 280)))
    if rng.random() < P_PALLIDUM:
        radii = tuple((rng.uniform(2.5, 6) * np.array([0.7, 1.2, 1.0])).tolist())
        spots.append(Spot(Ellipsoid(PALLIDUM, radii, paired=True), rng.uniform(48, 95)))
    if rng.random() < P_FALX_PLAQUE:
        centre = float(rng.normal(0, 1)), rng.uniform(-75, -45), rng.uniform(20, 55)
        radii = rng.uniform(1, 2), rng.uniform(3, 8), rng.uniform(2, 6)
        spots.append(Spot(Ellipsoid(centre, radii), rng.uniform(150, 600)))
    if rng.random() < P_STRAY:
        centre = rng.uniform(-45, 45), rng.uniform(-50, 60), rng.uniform(-5, 50)
        spots.append(Spot(Ellipsoid(centre, tuple(rng.uniform(1, 2.5, 3).tolist())), rng.uniform(90, 400)))
    artery = (int(rng.choice([-1, 1])), rng.uniform(50, 68)) if rng.random() < P_ARTERY else None
    bright = rng.uniform(4, 12) if rng.random() < P_BRIGHT_SINUS else 0.0
    return Lookalikes(tuple(spots), artery, bright)


def choroid(rng: np.random.Generator) -> list[Spot]:
    """Calcified choroid plexus in both atria, seldom alike."""
    sides = (-1, 1) if rng.random() < 0.8 else (int(rng.choice([-1, 1])),)
    x, y, z = CHOROID
    spots = []
    for side in sides:
        centre = side * x + rng.normal(0, 1.5), y + rng.normal(0, 2), z + rng.normal(0, 2)
        radii = rng.uniform(1.5, 3), rng.uniform(2, 5), rng.uniform(2, 4)
        spots.append(Spot(Ellipsoid(centre, radii), rng.uniform(90, 280)))
    return spots


def draw_bright_spots(plane: Plane, lookalikes: Lookalikes, inside: np.ndarray) -> None:
    """Paint them. inside: part (0 to 1) of each pixel within the skull."""
    for spot in lookalikes.spots:
        (cx, cy, cz), (rx, ry, rz) = spot.shape.centre, spot.shape.radii
        window = plane.window((0.0, cy, cz), (abs(cx) + rx + 2, ry, rz))
        if window is not None:
            part = plane[window]
            part.paint(spot.hu, part.within(spot.shape) * inside[window])
    if lookalikes.artery is not None:
        side, hu = lookalikes.artery
        vessel = plane.occupancy(MIDDLE_CEREBRAL_ARTERY.surface(plane.x * side, plane.y, plane.z))
        plane.paint(hu, vessel * inside)
