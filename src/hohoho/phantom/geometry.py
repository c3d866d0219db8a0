"""Shapes as signed distances (mm, negative inside), and smooth noise: what all structures are made of.

Head coordinates (mm) from the centre of the skull: x to the patient's left, y to the back, z to the vertex.
"""

from typing import NamedTuple

import numpy as np

Point = tuple[float, float, float]


class Surface(NamedTuple):
    """A shape's border: how far each pixel is from it, and how steeply it crosses the slice."""

    distance: np.ndarray  # mm, negative inside
    slope: np.ndarray  # z part of the unit normal: 0 upright wall, 1 lying flat in the slice


class Waves(NamedTuple):
    """A sum of plane waves: smooth noise of mean 0 and variance 1, the same at every image size."""

    vectors: np.ndarray  # (n, 3) rad per mm
    phases: np.ndarray  # (n,) rad


class Ellipsoid(NamedTuple):
    """An ellipsoid along the axes of the head."""

    centre: Point
    radii: Point
    paired: bool = False  # given for the left side and mirrored to the right

    def surface(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> Surface:
        """Its border, the distance right to first order near it."""
        (cx, cy, cz), (rx, ry, rz) = self.centre, self.radii
        u, v, w = ((np.abs(x) if self.paired else x) - cx) / rx, (y - cy) / ry, (z - cz) / rz
        r = np.sqrt(u * u + v * v + w * w) + 1e-3
        gx, gy, gz = u / rx, v / ry, w / rz
        gradient = np.sqrt(gx * gx + gy * gy + gz * gz) + 1e-6
        return Surface((r - 1) * r / gradient, gz / gradient)


class Capsule(NamedTuple):
    """A tapered rod with round ends."""

    start: Point
    end: Point
    start_radius: float
    end_radius: float
    paired: bool = False  # as of an Ellipsoid

    def surface(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> Surface:
        """Its border."""
        bx, by, bz = (float(e - s) for s, e in zip(self.start, self.end, strict=True))
        px, py, pz = (np.abs(x) if self.paired else x) - self.start[0], y - self.start[1], z - self.start[2]
        along = (px * bx + py * by + pz * bz) * (1 / (bx * bx + by * by + bz * bz))
        along = np.minimum(np.maximum(along, 0), 1)
        px, py, pz = px - along * bx, py - along * by, pz - along * bz
        length = np.sqrt(px * px + py * py + pz * pz) + 1e-3
        return Surface(length - (self.start_radius + along * (self.end_radius - self.start_radius)), pz / length)


def ball(centre: Point, radius: float, paired: bool = False) -> Ellipsoid:
    """A ball."""
    return Ellipsoid(centre, (radius, radius, radius), paired)


def draw_waves(rng: np.random.Generator, wavelength_mm: float, count: int) -> Waves:
    """Waves of about one wavelength in random directions."""
    directions = rng.normal(size=(count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    lengths = wavelength_mm * rng.uniform(0.8, 1.25, (count, 1))
    return Waves(2 * np.pi / lengths * directions, rng.uniform(0, 2 * np.pi, count))


def smooth_noise(waves: Waves, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """The waves' value at each point (float32, the shape of x)."""
    total = np.zeros_like(x)
    # .tolist() gives Python floats: a NumPy float64 scalar would turn every array it meets into float64.
    for (kx, ky, kz), phase in zip(waves.vectors.tolist(), waves.phases.tolist(), strict=True):
        total += np.cos(kx * x + (ky * y + (kz * z + phase)))
    total *= float(np.sqrt(2 / len(waves.phases)))
    return total


def union(a: Surface, b: Surface, blend_mm: float) -> Surface:
    """Both shapes in one, their meeting edge rounded over `blend_mm`."""
    share = np.minimum(np.maximum(0.5 + (b.distance - a.distance) * (0.5 / blend_mm), 0), 1)
    distance = b.distance + share * (a.distance - b.distance) - blend_mm * share * (1 - share)
    return Surface(distance, b.slope + share * (a.slope - b.slope))


def grown(surface: Surface, by_mm: float | np.ndarray) -> Surface:
    """The same shape, larger all round."""
    return Surface(surface.distance - by_mm, surface.slope)


def outside(surface: Surface) -> Surface:
    """The same border, inside and outside exchanged."""
    return Surface(-surface.distance, -surface.slope)


def intersection(a: Surface, b: Surface, blend_mm: float) -> Surface:
    """What both shapes share, its edges rounded over `blend_mm`."""
    return outside(union(outside(a), outside(b), blend_mm))
