"""What the scanner adds: noise, cupping, the dark bar between the petrous bones, and spoilt slices."""

from typing import NamedTuple

import cv2
import numpy as np

from hohoho.phantom.plane import Plane

NOISE_HU = (2.4, 4.6)
NOISE_GRAIN_PX = 0.55  # neighbouring pixels share some noise
CUPPING_HU = (0.0, 9.0)
CUPPING_MM = 14.0
PETROUS_BAR_HU = (4.0, 18.0)  # how dark the bar is at its middle
BAR_Z_MM, BAR_Y_MM = -34.0, 16.0
P_SPOILT = 0.1
SPOILT = ("streaks", "motion", "low_dose")
STREAK_CORE_MM = 14.0  # within this of their source streaks are damped, else they would draw rings
AIR_HU, TOP_HU = -1000, 3071


class Scanner(NamedTuple):
    noise_hu: float
    cupping_hu: float
    petrous_bar_hu: float


def draw_scanner(rng: np.random.Generator) -> Scanner:
    """The study's image quality."""
    return Scanner(rng.uniform(*NOISE_HU), rng.uniform(*CUPPING_HU), rng.uniform(*PETROUS_BAR_HU))


def harden_beam(plane: Plane, inside: np.ndarray, depth: np.ndarray, scanner: Scanner) -> None:
    """Brighten the brain's rim and darken the Hounsfield bar between the petrous bones, across the brain stem.

    depth: mm beneath the inner table.
    """
    rim = scanner.cupping_hu * np.exp(np.minimum(depth, 99) * (-1 / CUPPING_MM))
    y, z = (plane.y - BAR_Y_MM) / 9, (plane.z - BAR_Z_MM) / 9
    plane.hu += inside * (rim - scanner.petrous_bar_hu * np.exp(-(y * y) - z * z))


def scan(plane: Plane, scanner: Scanner, rng: np.random.Generator) -> tuple[np.ndarray, str]:
    """The slice as (H, W) int16 HU with noise, and how it was spoilt ("" mostly)."""
    hu = plane.hu.copy()
    kind = SPOILT[rng.integers(len(SPOILT))] if rng.random() < P_SPOILT else ""
    if kind == "streaks":
        hu += streaks(plane, rng)
    if kind == "motion":
        hu = ghost(hu, plane.pixel_mm, rng)
    sigma = scanner.noise_hu * rng.uniform(0.88, 1.12) * (rng.uniform(2.0, 3.0) if kind == "low_dose" else 1.0)
    hu += noise(hu.shape, sigma, rng)
    return np.clip(np.rint(hu), AIR_HU - 24, TOP_HU).astype(np.int16), kind


def noise(shape: tuple[int, int], sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Grainy noise of standard deviation `sigma` HU."""
    white = rng.standard_normal(shape, dtype=np.float32)
    grain = cv2.GaussianBlur(white, (5, 5), NOISE_GRAIN_PX)
    kernel = cv2.getGaussianKernel(5, NOISE_GRAIN_PX)
    return grain * float(sigma / (kernel**2).sum())


def streaks(plane: Plane, rng: np.random.Generator) -> np.ndarray:
    """Bright and dark rays from a point of metal or bone."""
    x0, y0 = rng.uniform(-70, 70), rng.uniform(-80, 80)
    dx, dy = plane.x - x0, plane.y - y0
    angle = np.arctan2(dy, dx)
    rays = sum(np.cos(int(k) * angle + rng.uniform(0, 6.3)) for k in rng.integers(6, 40, 5))
    square = dx * dx + dy * dy
    return rays * rng.uniform(2.5, 7.0) * (square / (square + STREAK_CORE_MM**2)).astype(np.float32)


def ghost(hu: np.ndarray, pixel_mm: float, rng: np.random.Generator) -> np.ndarray:
    """The mean of the slice and itself, moved: the patient turned during the rotation."""
    height, width = hu.shape
    moved = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-4, 4), 1.0)
    moved[:, 2] += rng.uniform(-4, 4, 2) / pixel_mm
    share = rng.uniform(0.25, 0.5)
    other = cv2.warpAffine(hu, moved, (width, height), borderMode=cv2.BORDER_CONSTANT, borderValue=AIR_HU)
    return (1 - share) * hu + share * other
