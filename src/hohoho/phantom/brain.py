"""The brain: grey and white matter, deep nuclei, cerebellum and brain stem."""

from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np

from hohoho.phantom.dura import tentorium_height
from hohoho.phantom.folds import fissures, sulci
from hohoho.phantom.geometry import Ellipsoid, grown
from hohoho.phantom.head import Head
from hohoho.phantom.plane import Plane
from hohoho.phantom.skull import Cavity
from hohoho.phantom.ventricles import cisterns, lateral_ventricles, midline_ventricles

CORTEX_MM, CORTEX_EDGE_MM = 3.2, 2.5  # thickness, and over how much it turns white
CORTEX_REACH_MM = 24.0  # from the skull: deeper, only the nuclei are grey
NUCLEUS_GREY, NUCLEUS_EDGE_MM = 0.65, 6.0  # nuclei lie between white (0) and grey (1)
HALO_MM = 5.0  # how far leukoaraiosis spreads from the ventricles
SULCUS_SLOPE = 0.25  # most sulci cross the slice steeply
NUCLEI = (  # thalamus, lentiform nucleus, head of the caudate
    Ellipsoid((10.5, 10.0, 9.0), (8.0, 13.0, 10.0), paired=True),
    Ellipsoid((24.0, -4.0, 7.0), (6.5, 15.0, 10.0), paired=True),
    Ellipsoid((12.5, -24.0, 14.0), (5.0, 8.5, 10.0), paired=True),
)
INFRATENTORIAL_TOP_MM = 6.0  # cerebellum and brain stem end below this
BASE_SULCI_MM = 20.0  # sulci of the base reach this much nearer to the middle than those of the vault
BRAIN_STEM = Ellipsoid((0.0, 17.0, -26.0), (14.0, 14.0, 30.0))
CEREBELLUM_HU, CEREBELLUM_CORE_HU = 35.5, 30.5
CEREBELLUM_CORE = Ellipsoid((16.0, 43.0, -38.0), (15.0, 15.0, 14.0), paired=True)
FOLIUM_MM, FOLIUM_HU = 4.6, 1.3  # from one of the cerebellum's folia to the next


class MassEffect(NamedTuple):
    """How a slice's blood deforms its brain; each a number, or (H, W)."""

    pressed_mm: np.ndarray | float  # how far blood holds the brain off the skull
    widened_mm: np.ndarray | float  # what blood in them adds to the half width of sulci
    shift_mm: float  # of the midline, to the left


class Brain(NamedTuple):
    """What the bleeds need to know of a slice's brain. All (H, W); parts are 0 to 1."""

    plane: Plane  # with x moved by the midline shift
    inside: np.ndarray  # part within the skull
    within: np.ndarray  # part within the surface of the brain, its sulci and ventricles too
    fluid: np.ndarray  # part that is sulcus, fissure, cistern or the gap around the brain
    ventricles: np.ndarray


def shifted(plane: Plane, shift_mm: float) -> Plane:
    """The plane with x moved where the midline gives way: in the middle, not at the falx's roots."""
    y, z = (plane.y - 4) / 46, (plane.z - 12) / 38
    bent = plane.x - shift_mm * np.exp(-(y * y) - z * z)
    return replace(plane, x=bent, slack_mm=abs(shift_mm))


def draw_brain(plane: Plane, head: Head, cavity: Cavity, mass_effect: MassEffect) -> Brain:
    """Paint fluid and brain into the cavity."""
    inside = plane.occupancy(cavity.border)
    plane.paint(head.csf_hu, inside, "csf")
    moved = shifted(plane, head.midline_shift_mm + mass_effect.shift_mm)
    gap = head.brain_gap_mm + mass_effect.pressed_mm
    surface = plane.occupancy(grown(cavity.border, -gap))
    depth = cavity.depth - gap
    posterior = posterior_fossa(plane)
    # The base is near everywhere in low slices, but its own sulci are shallow: there the vault counts.
    from_vault = np.maximum(depth, cavity.vault_depth - BASE_SULCI_MM)
    to_sulcus, width = sulci(moved, head, from_vault, mass_effect.widened_mm)
    folds = plane.sheet(to_sulcus, np.maximum(width, 0), SULCUS_SLOPE) * (width > 0) * (1 - posterior)
    fluid = np.maximum(folds, fissures(moved, head))
    fluid = np.maximum(fluid, cisterns(moved, 0.75 + 0.45 * head.age) * inside)
    tissue = surface * (1 - fluid)
    paint_tissue(moved, head, depth, np.abs(to_sulcus) - width, posterior, tissue)
    ventricles = draw_ventricles(moved, head, surface)
    return Brain(moved, inside, surface, inside - tissue, ventricles)


def posterior_fossa(plane: Plane) -> np.ndarray:
    """The part (0 to 1) of each pixel below the tentorium or in the brain stem."""
    if plane.z.min() > INFRATENTORIAL_TOP_MM:
        return np.zeros_like(plane.z)
    below = np.clip((tentorium_height(plane.x, plane.y) - plane.z) / 3 + 0.5, 0, 1) * (plane.y > 8)
    return np.maximum(below, plane.within(BRAIN_STEM))


def paint_tissue(plane: Plane, head: Head, depth, to_sulcus, posterior, tissue: np.ndarray) -> None:
    """Grey matter along surface and sulci and in the nuclei, white between; cerebellum below the tentorium.

    All (H, W). depth, to_sulcus: mm from the brain's surface and the nearest sulcus. posterior, tissue: parts, 0 to 1.
    """
    ribbon = np.minimum(np.minimum(to_sulcus, depth), np.abs(plane.x) + 1.5)
    grey = np.clip((CORTEX_MM - ribbon) / CORTEX_EDGE_MM + 0.5, 0, 1)
    grey *= np.clip((CORTEX_REACH_MM - depth) / 5, 0, 1)
    deep = np.zeros_like(grey)
    for nucleus in NUCLEI:
        (cx, cy, cz), (rx, ry, rz) = nucleus.centre, nucleus.radii
        window = plane.window((0.0, cy, cz), (cx + rx, ry + 2, rz))
        if window is not None:
            depth_mm = -plane[window].surface(nucleus).distance
            np.maximum(deep[window], np.clip(0.5 + depth_mm / NUCLEUS_EDGE_MM, 0, 1), out=deep[window])
    grey = np.maximum(grey, deep * NUCLEUS_GREY) * (1 - posterior)
    hu = head.white_hu + (head.grey_hu - head.white_hu) * grey
    hu += posterior * (cerebellum_hu(plane, depth) - hu)
    plane.paint(hu, tissue)
    plane.mark("grey", tissue * (1 - posterior) * grey)
    plane.mark("white", tissue * (1 - posterior) * (1 - grey))


def cerebellum_hu(plane: Plane, depth: np.ndarray) -> np.ndarray:
    """Folia about a core of white matter on each side."""
    side = np.abs(plane.x)
    share = np.clip(0.5 - plane.surface(CEREBELLUM_CORE).distance / 7, 0, 1)
    folia = FOLIUM_HU * np.cos((2 * np.pi / FOLIUM_MM) * (depth + 0.3 * side + 0.4 * plane.z))
    return CEREBELLUM_HU + share * (CEREBELLUM_CORE_HU - CEREBELLUM_HU) + (1 - share) * folia


def draw_ventricles(plane: Plane, head: Head, surface: np.ndarray) -> np.ndarray:
    """Paint the ventricles, and the dark white matter around them; returns their part of each pixel."""
    lateral = lateral_ventricles(plane, head.ventricle_scale, head.ventricle_asymmetry_mm)
    both = np.maximum(lateral, midline_ventricles(plane, head.ventricle_scale)) * surface
    halo = cv2.GaussianBlur(lateral, (0, 0), HALO_MM / plane.pixel_mm)
    plane.hu -= head.leukoaraiosis_hu * halo * surface
    plane.paint(head.csf_hu - 1, both, "ventricle")
    return both
