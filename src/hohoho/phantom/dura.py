"""Falx, tentorium and the venous sinuses in their edges."""

import numpy as np

from hohoho.phantom.geometry import Capsule, Ellipsoid
from hohoho.phantom.head import Head
from hohoho.phantom.plane import Plane

TENTORIUM_TOP_MM = (30.0, 2.0)  # y and z of its highest point
FALX_HALF_MM = (0.45, 0.8)
FALX_FREE_EDGE = Ellipsoid((0.0, 8.0, 4.0), (60.0, 58.0, 42.0))  # inside this there is no falx
TENTORIUM_HALF_MM = 0.7
TENTORIUM_SLICES_MM = 10.0  # no slice from here on up meets the tentorium
TENTORIAL_NOTCH = Ellipsoid((0.0, 18.0, 0.0), (17.0, 30.0, 60.0))
TRANSVERSE = Capsule((6.0, 84.0, -22.0), (58.0, 46.0, -26.0), 3.5, 3.5, paired=True)


def tentorium_height(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """z (mm) of the tentorium between cerebrum and cerebellum."""
    dy = y - TENTORIUM_TOP_MM[0]
    return TENTORIUM_TOP_MM[1] - np.sqrt(0.20 * x * x + 0.10 * dy * dy + 20)


def draw_falx(plane: Plane, head: Head, depth: np.ndarray, inside: np.ndarray) -> None:
    """Paint the membrane between the hemispheres and the sagittal sinus at its root.

    depth: mm beneath the inner table. inside: part (0 to 1) of each pixel within the skull.
    """
    free = plane.within(FALX_FREE_EDGE)
    thin, thick = FALX_HALF_MM
    above = np.clip((plane.z - tentorium_height(plane.x, plane.y)) / 4, 0, 1) * (plane.z > -12)
    wander = plane.x + 0.5 * np.sin(plane.y * 0.06 + head.age * 30)
    membrane = plane.sheet(wander, thin + (thick - thin) * head.age, 0.0) * (1 - free) * above * inside
    plane.paint(head.falx_hu, membrane)
    root = np.minimum(np.maximum((4.0 - np.abs(plane.x) - 0.6 * depth) / 2, 0), 1) * inside
    plane.paint(head.sinus_hu, root * ((plane.y > 20) | (plane.z > 45)) * (plane.z > -16))


def draw_tentorium(plane: Plane, head: Head, depth: np.ndarray, inside: np.ndarray, bright_sinus_hu: float) -> None:
    """Paint the tentorium over the cerebellum and the transverse sinuses at its attached edge; as `draw_falx`."""
    if plane.z.min() >= TENTORIUM_SLICES_MM:
        return
    notch = plane.within(TENTORIAL_NOTCH)
    tentorium = plane.sheet((plane.z - tentorium_height(plane.x, plane.y)) * 0.9, TENTORIUM_HALF_MM, 0.8)
    plane.paint(head.falx_hu, tentorium * inside * (1 - notch) * (plane.y > 14) * (plane.y < 84))
    near_bone = np.clip((7 - depth) / 2, 0, 1)
    plane.paint(head.sinus_hu + bright_sinus_hu, plane.within(TRANSVERSE) * inside * near_bone)
