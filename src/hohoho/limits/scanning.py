"""A subject's scan with one thing changed, and how much blood is in it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np

from hohoho.labels import LABELS
from hohoho.limits.conditions import CONTRAST, NOISE
from hohoho.limits.heads import Subject
from hohoho.phantom.acquisition import Acquisition
from hohoho.phantom.elsewhere import BLOOD_OVER_BRAIN_HU, HERE, Elsewhere
from hohoho.phantom.plane import Plane
from hohoho.phantom.scanner import scan
from hohoho.phantom.study import empty_plane, paint_slice

THIN_MM = 2.5  # thick slices are the mean of slices as thin as this
RAYS = 360


class Scanned(NamedTuple):
    """One scan."""

    hu: np.ndarray  # (Z, H, W) int16, foot to head
    volume_ml: float  # of the blood of one class, in the head
    thickness_mm: float  # of its blood in the plane of a slice, along a ray from the middle of the picture, at most


def scanned(subject: Subject, planes: list[Plane], label: str | None, place: Elsewhere = HERE) -> Scanned:
    """What the scanner makes of painted planes. label: whose blood is measured."""
    rng, hu = subject.noise(), []
    _, scanner = place.setup(subject.acquisition, subject.scanner)
    for plane in planes:
        plane = replace(plane, hu=plane.hu.copy())
        place.dim(plane)
        hu.append(scan(plane, scanner, rng)[0])
    if label is None:
        return Scanned(np.stack(hu), 0.0, 0.0)
    blood = np.stack([plane.blood[LABELS.index(label)] for plane in planes])
    volume = volume_ml(blood, subject.acquisition)
    return Scanned(np.stack(hu), volume, max(thickness_mm(each, subject.acquisition.pixel_mm) for each in blood))


def place_of(factor: str, level: float, held_contrast_hu: float) -> Elsewhere:
    """The scanner's part of a condition."""
    if factor == CONTRAST:
        return Elsewhere(blood_contrast=1 - (held_contrast_hu - level) / BLOOD_OVER_BRAIN_HU)
    return Elsewhere(**({"noise": level} if factor == NOISE else {}))


def painted(subject: Subject, tilt_deg: float = 0.0) -> list[Plane]:
    """All slices, without noise."""
    acquisition, _ = Elsewhere(tilt_deg=tilt_deg).setup(subject.acquisition, subject.scanner)
    return [_plane(subject, acquisition, index) for index in range(len(acquisition.first_pixels))]


def thick_slices(subject: Subject, thicknesses_mm: list[float]) -> Iterator[list[Plane]]:
    """For each thickness, an odd multiple of THIN_MM, slices at the same places: the mean of the thin ones within it.

    The phantom's own partial volume is right for what is larger than a slice is thick; a small bleed must pale.
    """
    acquisition = subject.acquisition
    normal = np.cross(acquisition.row_direction, acquisition.column_direction)
    places, planes = acquisition.positions_mm, {}
    for thickness_mm in thicknesses_mm:
        half, slices = round(thickness_mm / THIN_MM) // 2, []
        for index in range(len(places)):
            stack = []
            for offset in THIN_MM * np.arange(-half, half + 1):
                place = round(float(places[index] + offset), 2)  # slices as thick as they are apart share it
                if place not in planes:
                    moved = acquisition.first_pixels + offset * normal
                    planes[place] = _plane(
                        subject, acquisition._replace(first_pixels=moved, thickness_mm=THIN_MM), index
                    )
                stack.append(planes[place])
            hu, blood = (np.mean([getattr(plane, name) for plane in stack], axis=0) for name in ("hu", "blood"))
            slices.append(replace(stack[half], hu=hu, blood=blood))
        yield slices


def volume_ml(blood: np.ndarray, acquisition: Acquisition) -> float:
    """(Z, H, W) parts of blood → their volume, each slice standing for what is nearer to it than to its neighbours."""
    areas = blood.sum(axis=(1, 2)) * acquisition.pixel_mm**2
    return float(areas @ np.gradient(acquisition.positions_mm)) / 1000


def thickness_mm(blood: np.ndarray, pixel_mm: float) -> float:
    """(H, W) parts of blood → the longest way through it of a ray from the middle of the picture."""
    size = blood.shape[0]
    middle, steps = ((size - 1) / 2, (size - 1) / 2), 2 * size
    rays = cv2.warpPolar(blood, (steps, RAYS), middle, size / 2, cv2.WARP_FILL_OUTLIERS)  # (rays, steps), linear
    return float(rays.sum(axis=1).max()) * size / 2 / steps * pixel_mm


def _plane(subject: Subject, acquisition: Acquisition, index: int) -> Plane:
    plane = empty_plane(acquisition, index)
    paint_slice(plane, subject.patient, subject.scanner, subject.headrest)
    return plane
