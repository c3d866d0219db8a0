"""The brain: cortex folded by sulci, white matter, deep nuclei, fissures, cerebellum and brain stem."""

from dataclasses import dataclass, replace

import numpy as np

from hohoho.phantom.geometry import Surface, ellipsoid, smooth_noise
from hohoho.phantom.head import Head
from hohoho.phantom.plane import Plane
from hohoho.phantom.ventricles import cisterns, lateral_ventricles, middle_ventricles

CORTEX_MM = 3.2
SULCUS_SLOPE = 0.25  # sulci mostly stand upright in the slice
MM_PER_NOISE = 5.2  # distance to a sulcus per unit of the noise whose zeros are the sulci
HEMISPHERE_CENTRE = (17.0, 4.0, 2.0)  # gyri fan out from here
FAN = 0.62  # 1: sulci straight towards the centre; 0: a labyrinth
CALLOSUM = (0.0, 2.0, 14.0), (40.0, 42.0, 30.0)  # within this the hemispheres are joined
NUCLEI = (  # centre, radii: thalamus, lentiform nucleus, head of the caudate
    ((10.5, 10.0, 9.0), (8.0, 13.0, 10.0)),
    ((24.0, -4.0, 7.0), (6.5, 15.0, 10.0)),
    ((12.5, -24.0, 14.0), (5.0, 8.5, 10.0)),
)
INSULA_MM = 41.0  # from the midline
INSULA = (0.0, -6.0, 6.0), (200.0, 22.0, 17.0)
TENT_TOP = (30.0, 2.0)  # y and z of the tentorium's summit
BRAIN_STEM = (0.0, 17.0, -26.0), (14.0, 14.0, 30.0)
CEREBELLUM_HU, CEREBELLUM_CORE_HU = 35.5, 30.5
CEREBELLUM_CORE = (16.0, 43.0, -38.0), (15.0, 15.0, 14.0)
FOLIUM_MM, FOLIUM_HU = 4.6, 1.3  # the cerebellum's fine leaves


@dataclass
class Brain:
    """What the bleeds need to know of a slice's brain. All (H, W); parts are 0 to 1."""

    plane: Plane  # with x moved by the midline shift
    depth: np.ndarray  # mm beneath the surface of the brain, negative outside
    inside: np.ndarray  # part within the skull
    within: np.ndarray  # part within the surface of the brain, its sulci and ventricles too
    fluid: np.ndarray  # part that is sulcus, fissure, cistern or the gap around the brain
    ventricles: np.ndarray


def shifted(plane: Plane, shift_mm: float) -> Plane:
    """The plane with x moved where the midline gives way: in the middle of the head, not at the falx's roots."""
    y, z = (plane.y - 4) / 46, (plane.z - 12) / 38
    return replace(plane, x=plane.x - shift_mm * np.exp(-(y * y) - z * z))


def tentorium_height(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """z (mm) of the tent between cerebrum and cerebellum."""
    dy = y - TENT_TOP[0]
    return TENT_TOP[1] - np.sqrt(0.20 * x * x + 0.10 * dy * dy + 20)


def draw_brain(
    plane: Plane,
    head: Head,
    cavity: Surface,
    pressed_mm: np.ndarray | float,
    widen_mm: np.ndarray | float,
    shift_mm: float,
) -> Brain:
    """Paint fluid and brain into the cavity.

    pressed_mm: how far blood holds the brain off the skull; widen_mm: by how much blood in them widens the sulci.
    """
    inside = plane.occupancy(cavity)
    plane.paint(head.csf_hu, inside, "csf")
    moved = shifted(plane, head.midline_shift_mm + shift_mm)
    pushed = Surface(cavity.distance + head.brain_gap_mm + pressed_mm, cavity.slope)
    surface = plane.occupancy(pushed)
    depth = -pushed.distance
    below = np.clip((tentorium_height(plane.x, plane.y) - plane.z) / 3 + 0.5, 0, 1) * (plane.y > 8)
    below = np.maximum(below, plane.occupancy(ellipsoid(plane.x, plane.y, plane.z, *BRAIN_STEM)))
    to_sulcus, width = sulci(plane, moved, head, depth, widen_mm)
    folds = plane.sheet(to_sulcus, np.maximum(width, 0), SULCUS_SLOPE) * (width > 0) * (1 - below)
    fluid = np.maximum(folds, fissures(moved, head, depth))
    fluid = np.maximum(fluid, cisterns(moved, 0.75 + 0.45 * head.age) * inside)
    tissue = surface * (1 - fluid)
    paint_tissue(moved, head, depth, np.abs(to_sulcus) - width, below, tissue)
    ventricles = draw_ventricles(moved, head, surface)
    return Brain(moved, depth, inside, surface, inside - tissue, ventricles)


def sulci(plane: Plane, moved: Plane, head: Head, depth: np.ndarray, widen_mm) -> tuple[np.ndarray, np.ndarray]:
    """Distance (mm, signed) to the nearest sulcus, and its half width there: 0 below its floor."""
    cx, cy, cz = HEMISPHERE_CENTRE
    x = moved.x - np.where(moved.x > 0, cx, -cx).astype(np.float32)
    y, z = plane.y - cy, plane.z - cz
    fan = (FAN * 60) / np.sqrt(x * x + y * y + z * z + 100) + (1 - FAN)
    noise = smooth_noise(head.gyri, moved.x * 0.25 + x * fan, y * fan, z * fan)
    joined = ellipsoid(moved.x, plane.y, plane.z, *CALLOSUM)
    from_midline = np.abs(moved.x) + np.maximum(-joined.distance, 0) * 2
    shallow = np.minimum(np.maximum(depth, 0), from_midline * 1.3)
    floor = head.sulcus_depth_mm * (1 + 0.3 * smooth_noise(head.depths, moved.x, y, z))
    taper = 1.1 - shallow / np.maximum(floor, 5)
    width = (head.sulcus_half_width_mm + widen_mm) * np.minimum(taper * 1.6, 1)
    return noise * MM_PER_NOISE, width


def fissures(plane: Plane, head: Head, depth: np.ndarray) -> np.ndarray:
    """The part (0 to 1) of each pixel in the interhemispheric and the Sylvian fissures."""
    width = 0.5 + 1.3 * head.age * head.age
    joined = plane.occupancy(ellipsoid(plane.x, plane.y, plane.z, *CALLOSUM))
    wander = 0.7 * np.sin(plane.y * 0.17 + head.age * 40) + plane.x
    front_wide = 1 + 0.8 * (plane.y < -35)
    apart = plane.sheet(wander, width * front_wide, 0.0) * (1 - joined) * (plane.z > -14)
    if abs(float(plane.z.mean()) - 8) > 34:
        return apart
    return np.maximum(apart, sylvian(plane, head, depth))


def sylvian(plane: Plane, head: Head, depth: np.ndarray) -> np.ndarray:
    """The part (0 to 1) of each pixel in the Sylvian fissure: a curved wall over the insula and a stem to the side."""
    width = 0.5 + 1.7 * head.age
    side = np.abs(plane.x)
    along = ellipsoid(plane.x, plane.y, plane.z, *INSULA)
    wall = side - INSULA_MM + 0.006 * (plane.y + 6) ** 2 + 0.7 * np.sin(plane.y * 0.5 + plane.z * 0.2 + head.age * 50)
    insula = plane.sheet(wall, width * 0.8, 0.2) * plane.occupancy(along)
    stem = plane.y + 8 - 0.95 * (plane.z - 2) - 0.25 * (side - 40) + 1.5 * np.sin(side * 0.4)
    lateral = np.clip((side - INSULA_MM + 4) / 3, 0, 1) * np.clip((26 - np.abs(plane.z - 6)) / 6, 0, 1)
    return np.maximum(insula, plane.sheet(stem, width, 0.65) * lateral)


def paint_tissue(plane: Plane, head: Head, depth, to_sulcus, below, tissue: np.ndarray) -> None:
    """Grey matter along surface and sulci and in the nuclei, white between; cerebellum and stem below the tent."""
    ribbon = np.minimum(np.minimum(to_sulcus, depth), np.abs(plane.x) + 1.5)
    grey = np.clip((CORTEX_MM - ribbon) / 2.5 + 0.5, 0, 1) * np.clip((24 - depth) / 5, 0, 1)
    deep = np.zeros_like(grey)
    for centre, radii in NUCLEI:
        window = plane.window((0.0, centre[1], centre[2]), (centre[0] + radii[0], radii[1] + 2, radii[2]))
        if window is not None:
            part = plane[window]
            nucleus = ellipsoid(np.abs(part.x), part.y, part.z, centre, radii)
            np.maximum(deep[window], np.clip(0.5 - nucleus.distance / 4.5, 0, 1), out=deep[window])
    grey = np.maximum(grey, deep * 0.75) * (1 - below)
    hu = head.white_hu + (head.grey_hu - head.white_hu) * grey
    hu += below * (cerebellum_hu(plane, depth) - hu)
    if plane.structure is None:
        plane.paint(hu, tissue)
        return
    for name, part in (("grey", grey > 0.95), ("white", (grey < 0.05) & (below == 0)), ("mixed", None)):
        if part is None:
            plane.hu += tissue * (hu - plane.hu)
        else:
            copy = plane.hu.copy()
            plane.paint(hu, tissue * part, name)
            plane.hu[...] = copy


def cerebellum_hu(plane: Plane, depth: np.ndarray) -> np.ndarray:
    """Fine leaves about a core of white matter on each side."""
    side = np.abs(plane.x)
    core = ellipsoid(side, plane.y, plane.z, *CEREBELLUM_CORE)
    share = np.clip(0.5 - core.distance / 7, 0, 1)
    leaves = FOLIUM_HU * np.cos((2 * np.pi / FOLIUM_MM) * (depth + 0.3 * side + 0.4 * plane.z))
    return CEREBELLUM_HU + share * (CEREBELLUM_CORE_HU - CEREBELLUM_HU) + (1 - share) * leaves


def draw_ventricles(plane: Plane, head: Head, surface: np.ndarray) -> np.ndarray:
    """Paint the ventricles, and the dark white matter around them; returns their part of each pixel."""
    import cv2

    lateral = lateral_ventricles(plane, head.ventricle_scale, 0.1 * head.midline_shift_mm)
    both = np.maximum(lateral, middle_ventricles(plane, head.ventricle_scale)) * surface
    halo = cv2.GaussianBlur(lateral, (0, 0), 5.0 / plane.pixel_mm)
    plane.hu -= head.leukoaraiosis_hu * halo * surface
    plane.paint(head.csf_hu - 1, both, "ventricle")
    return both
