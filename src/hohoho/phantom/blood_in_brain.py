"""Paints the bleeds within the brain: parenchyma, ventricles, subarachnoid space."""

import numpy as np

from hohoho.phantom.bleeds import Bleeds, Ich, Ivh, Sah
from hohoho.phantom.brain import Brain
from hohoho.phantom.geometry import Ellipsoid, Surface, ball, smooth_noise
from hohoho.phantom.plane import Plane

WOBBLE = 0.16  # of the radius: how far an ICH strays from its ellipsoid
OEDEMA_HU = 11.0  # darker than the tissue
SAH_EDGE_MM = 9.0  # over this much a subarachnoid bleed thins out
LEVEL_SLOPE = 0.1
MIDLINE_MM = 6.0


def draw_inner_blood(plane: Plane, brain: Brain, bleeds: Bleeds) -> None:
    """All blood that lies inside the surface of the brain, in the order in which one covers the other."""
    for sah in bleeds.sah:
        draw_sah(plane, brain, sah)
    for ich in bleeds.ich:
        draw_ich(brain, ich)
    for ivh in bleeds.ivh:
        draw_ivh(brain, ivh)


def draw_ich(brain: Brain, ich: Ich) -> None:
    """A wobbled ellipsoid with a dark rim of oedema, cut off at the surface of the brain."""
    reach = tuple(radius * 1.3 + ich.oedema_mm for radius in ich.radii)
    window = brain.plane.window(ich.centre, reach)
    if window is None:
        return
    part = brain.plane[window]
    surface = part.surface(Ellipsoid(ich.centre, ich.radii))
    wobble = smooth_noise(ich.wobble, part.x, part.y, part.z)
    surface.distance[...] -= WOBBLE * min(ich.radii) * wobble
    matter = brain.within[window]
    side = float(np.sign(ich.centre[0]))
    if abs(ich.centre[0]) > MIDLINE_MM:  # the falx holds a bleed in its hemisphere
        matter = matter * part.occupancy(Surface(-side * part.x, 0.0))
    rim = np.clip(1 - surface.distance / ich.oedema_mm, 0, 1) * (surface.distance > -1)
    part.hu -= OEDEMA_HU * rim * matter * (1 - brain.ventricles[window])
    blood = part.occupancy(surface) * matter
    part.bleed("ich", ich.hu + 3.0 * wobble, blood)
    brain.ventricles[window] *= 1 - blood


def draw_ivh(brain: Brain, ivh: Ivh) -> None:
    """Blood in the ventricles: behind a level, or within a clot."""
    plane = brain.plane
    if not brain.ventricles.any():
        return
    if ivh.clot is not None:
        full = plane.within(ball(*ivh.clot))
    else:
        left, right, middle = ivh.filling
        behind = plane.occupancy(Surface(ivh.level_y_mm - plane.y, LEVEL_SLOPE))
        inner = np.clip((4.0 - np.abs(plane.x)) / 2, 0, 1) * (plane.z < 14)
        full = np.where(plane.x > 0, left * behind, right * behind) * (1 - inner)
        full += inner * middle
    plane.bleed("ivh", ivh.hu, brain.ventricles * full)


def sah_share(plane: Plane, sah: Sah) -> np.ndarray:
    """How much (0 to 1) of the fluid a subarachnoid bleed replaces here."""
    region = plane.surface(ball(sah.centre, sah.radius_mm))
    return np.clip(0.5 - region.distance / SAH_EDGE_MM, 0, 1)


def draw_sah(plane: Plane, brain: Brain, sah: Sah) -> None:
    """Blood in place of the fluid of sulci, fissures and cisterns."""
    share = sah_share(plane, sah)
    if share.any():
        plane.bleed("sah", sah.hu, brain.fluid * (1 - brain.ventricles) * share)


def sulcal_widening(plane: Plane, bleeds: Bleeds) -> np.ndarray | float:
    """mm by which blood in them widens the sulci: unwidened, they vanish at coarse pixels."""
    return sum((sah.widen_mm * sah_share(plane, sah) for sah in bleeds.sah), 0.0)
