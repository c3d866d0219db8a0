"""Paints the bleeds between skull and brain: subdural crescents and sheets, epidural lenses."""

import numpy as np

from hohoho.phantom.bleeds import Bleeds, Edh, Sdh
from hohoho.phantom.dura import tentorium_height
from hohoho.phantom.geometry import Surface
from hohoho.phantom.plane import Plane
from hohoho.phantom.skull import Cavity

SETTLING_HU = 5.0  # a crescent's back is denser than its front by up to this
VERTEX_MM, VERTEX_FADE_MM = 76.0, 26.0
FALX_Y_MM = 70.0  # a sheet along the falx ends here, before and behind
FALX_LOW_MM = 8.0
BLEED_SLOPE = 0.3  # how the inner faces of crescent and lens typically cross the slice


def sdh_thickness(plane: Plane, sdh: Sdh) -> np.ndarray:
    """How thick (mm) the crescent is under each point of the skull."""
    azimuth = np.arctan2(plane.x * sdh.side, -plane.y)
    turn = (azimuth - sdh.azimuth) / sdh.half_azimuth
    rise = (plane.z - sdh.z_mm) / sdh.half_z_mm
    left = np.maximum(1 - turn * turn * (0.4 + 0.6 * turn * turn) - rise * rise, 0)
    low = np.clip((VERTEX_MM - plane.z) / VERTEX_FADE_MM, 0, 1)  # meridians meet at the vertex: fade out before it
    return sdh.thickness_mm * np.sqrt(left) * low * (azimuth > -0.1)


def edh_thickness(plane: Plane, edh: Edh) -> np.ndarray:
    """How thick (mm) the lens is under each point of the skull; negative beyond its edge."""
    dx, dy, dz = (p - c for p, c in zip((plane.x, plane.y, plane.z), edh.direction, strict=True))
    length = float(np.linalg.norm(edh.direction))
    nx, ny, nz = (c / length for c in edh.direction)
    along = dx * nx + dy * ny + dz * nz
    across = dx * dx + dy * dy + dz * dz - along * along  # squared distance from the lens's axis
    facing = along > -length
    return edh.thickness_mm * np.where(facing, 1 - across * (1 / edh.radius_mm**2), -1)


def outer_blood_mm(plane: Plane, cavity: Cavity, bleeds: Bleeds) -> np.ndarray | float:
    """How far (mm) blood on the brain holds it off the skull."""
    sheets = [np.maximum(edh_thickness(plane, edh), 0) for edh in bleeds.edh]
    sheets += [sdh_thickness(plane, sdh) for sdh in bleeds.sdh if not sdh.along_falx]
    if not sheets:
        return 0.0
    return np.maximum(np.maximum.reduce(sheets) - (cavity.vault_depth - cavity.depth), 0)


def draw_outer_blood(plane: Plane, depth: np.ndarray, inside: np.ndarray, bleeds: Bleeds) -> None:
    """Paint it. depth: mm beneath the vault, not over the base; inside: part (0 to 1) within the skull."""
    above = np.clip((plane.z - tentorium_height(plane.x, plane.y)) / 3 + 0.5, 0, 1)
    for sdh in bleeds.sdh:
        if sdh.along_falx:
            blood = falx_sheet(plane, sdh)
        else:
            thickness = sdh_thickness(plane, sdh)
            blood = plane.occupancy(Surface(depth - thickness, BLEED_SLOPE)) * np.minimum(thickness, 1)
        part = blood * inside * above
        plane.bleed("sdh", sdh.hu + SETTLING_HU * np.clip(plane.y / 60, -1, 1), part)
    for edh in bleeds.edh:
        lens = plane.occupancy(Surface(depth - edh_thickness(plane, edh), BLEED_SLOPE))
        plane.bleed("edh", edh.hu, lens * inside)


def falx_sheet(plane: Plane, sdh: Sdh) -> np.ndarray:
    """The part (0 to 1) of each pixel in a sheet of blood on one side of the falx."""
    rise = (plane.z - sdh.z_mm) / (sdh.half_z_mm * 0.8)
    run = (plane.y - 80 * (sdh.azimuth - 1.5)) / FALX_Y_MM
    thickness = sdh.thickness_mm * np.sqrt(np.maximum(1 - rise * rise - run * run, 0))
    low = np.clip((plane.z - FALX_LOW_MM) / 4, 0, 1)
    joined = (plane.y / 42) ** 2 + ((plane.z - 10) / 30) ** 2
    free = np.clip((joined - 1) * 2, 0, 1)  # 0 where the corpus callosum leaves no falx
    half = thickness * free * 0.5
    sheet = plane.sheet(plane.x * sdh.side - half, half, 0.0)
    return sheet * low * np.minimum(thickness, 1)
