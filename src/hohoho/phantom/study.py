"""One study: a patient's head, scanned."""

from typing import NamedTuple

import numpy as np

from hohoho.labels import LABELS
from hohoho.phantom.acquisition import Acquisition, draw_acquisition, head_coordinates
from hohoho.phantom.bleeds import Bleeds, draw_bleeds
from hohoho.phantom.blood_in_brain import draw_inner_blood, sulcal_widening
from hohoho.phantom.blood_on_brain import draw_outer_blood, outer_blood_mm
from hohoho.phantom.brain import MassEffect, draw_brain
from hohoho.phantom.dura import draw_falx, draw_tentorium
from hohoho.phantom.elsewhere import HERE, Elsewhere
from hohoho.phantom.head import Head, draw_head
from hohoho.phantom.lookalikes import Lookalikes, draw_bright_spots, draw_lookalikes
from hohoho.phantom.plane import Plane
from hohoho.phantom.scanner import Scanner, draw_scanner, harden_beam, scan
from hohoho.phantom.skull import draw_headrest, draw_skull, head_window

VISIBLE = 128  # of 255: pixels that are at least half blood count; thinner spread, blood looks like brain
POSITIVE_MM2 = 50.0  # a slice is positive from this much blood on: four pixels of a 64 x 64 picture

Headrest = tuple[float, float]  # radius and place of its arc, mm


class Patient(NamedTuple):
    head: Head
    bleeds: Bleeds
    lookalikes: Lookalikes


class Study(NamedTuple):
    hu: np.ndarray  # (Z, H, W) int16, foot to head
    blood: np.ndarray  # (Z, 5, H, W) uint8, part of each pixel that is blood, 255: all; in the order of LABELS
    area_mm2: np.ndarray  # (Z, 5) area of blood in the pixels that are at least half blood, their part counted
    labels: np.ndarray  # (Z, 5) bool, area above POSITIVE_MM2
    spoilt: tuple[str, ...]  # per slice: "", "streaks", "motion" or "low_dose"
    acquisition: Acquisition


def draw_patient(rng: np.random.Generator) -> Patient:
    """A patient from the population."""
    return Patient(draw_head(rng), draw_bleeds(rng), draw_lookalikes(rng))


def draw_study(rng: np.random.Generator, patient: Patient, size: int, place: Elsewhere = HERE) -> Study:
    """Scan the patient at `size` x `size` pixels, in this place."""
    acquisition, scanner, headrest = draw_setup(rng, patient, size)
    acquisition, scanner = place.setup(acquisition, scanner)
    count = len(acquisition.first_pixels)
    hu = np.empty((count, size, size), np.int16)
    blood = np.empty((count, len(LABELS), size, size), np.uint8)
    spoilt = []
    for index in range(count):
        plane = empty_plane(acquisition, index)
        paint_slice(plane, patient, scanner, headrest)
        place.dim(plane)
        scanned, kind = scan(plane, scanner, rng)
        hu[index] = place.sharpen(scanned)
        blood[index] = np.rint(plane.blood * 255)
        spoilt.append(kind)
    area = blood_area_mm2(blood, acquisition.pixel_mm)
    return Study(hu, blood, area, area > POSITIVE_MM2, tuple(spoilt), acquisition)


def draw_blood(rng: np.random.Generator, patient: Patient, size: int, indices: list[int]) -> np.ndarray:
    """(n, 5, size, size) uint8: `blood` of some slices of the study that `draw_study` would draw."""
    acquisition, scanner, headrest = draw_setup(rng, patient, size)
    planes = [empty_plane(acquisition, index) for index in indices]
    for plane in planes:
        paint_slice(plane, patient, scanner, headrest)
    return np.stack([np.rint(plane.blood * 255).astype(np.uint8) for plane in planes])


def draw_setup(rng: np.random.Generator, patient: Patient, size: int) -> tuple[Acquisition, Scanner, Headrest]:
    """How the patient lies in which scanner."""
    acquisition, scanner = draw_acquisition(rng, size, patient.head.half_axes_mm[2]), draw_scanner(rng)
    return acquisition, scanner, (rng.uniform(98, 106), rng.uniform(-8, 2))


def blood_area_mm2(blood: np.ndarray, pixel_mm: float) -> np.ndarray:
    """(..., H, W) uint8 parts of blood → (...) area that counts for a label."""
    return (blood * (blood >= VISIBLE)).sum(axis=(-2, -1), dtype=np.int64) * (pixel_mm**2 / 255)


def empty_plane(acquisition: Acquisition, index: int) -> Plane:
    """Slice `index`, filled with air."""
    x, y, z = head_coordinates(acquisition, index)
    air = np.full(x.shape, -1000, np.float32)
    blood = np.zeros((len(LABELS), *x.shape), np.float32)
    return Plane(x, y, z, air, blood, acquisition.pixel_mm, acquisition.thickness_mm)


def paint_slice(plane: Plane, patient: Patient, scanner: Scanner, headrest: Headrest) -> None:
    """Paint one slice from outside in; nothing here is drawn by chance."""
    draw_headrest(plane, (0.0, headrest[1]), headrest[0])
    draw_whole_head(plane[head_window(plane, patient.head)], patient, scanner)


def draw_whole_head(plane: Plane, patient: Patient, scanner: Scanner) -> None:
    """Paint scalp, skull, brain, bleeds and look-alikes, and what beam hardening does to them."""
    head, bleeds = patient.head, patient.bleeds
    cavity = draw_skull(plane, head)
    mass_effect = MassEffect(outer_blood_mm(plane, cavity, bleeds), sulcal_widening(plane, bleeds), bleeds.shift_mm)
    brain = draw_brain(plane, head, cavity, mass_effect)
    draw_inner_blood(plane, brain, bleeds)
    draw_bright_spots(brain.plane, patient.lookalikes, brain.inside)
    draw_falx(plane, head, cavity.depth, brain.inside)
    draw_tentorium(plane, head, cavity.depth, brain.inside, patient.lookalikes.bright_sinus_hu)
    draw_outer_blood(plane, cavity.vault_depth, brain.inside, bleeds)
    harden_beam(plane, brain.inside, cavity.depth, scanner)
