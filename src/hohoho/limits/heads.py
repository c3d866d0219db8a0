"""Heads with one bleed of which every number is known, and heads without any."""

from typing import Any, NamedTuple

import numpy as np

from hohoho.labels import LABELS
from hohoho.phantom import bleeds
from hohoho.phantom.acquisition import Acquisition
from hohoho.phantom.bleeds import Bleeds
from hohoho.phantom.head import draw_head
from hohoho.phantom.lookalikes import draw_lookalikes
from hohoho.phantom.scanner import Scanner
from hohoho.phantom.study import Headrest, Patient, draw_setup

PERSON, BLEED, NOISE_OF_SCAN = range(3)  # what a generator is for


class Subject(NamedTuple):
    """Who is scanned, and how; without a bleed."""

    seed: int
    number: int
    patient: Patient
    acquisition: Acquisition
    scanner: Scanner
    headrest: Headrest

    @property
    def brain_hu(self) -> float:
        """Mean of the head's grey and white matter: blood has its contrast over this."""
        return (self.patient.head.grey_hu + self.patient.head.white_hu) / 2

    def noise(self) -> np.random.Generator:
        """What draws noise and spoilt slices: at every level from its start, so that the draws are the same."""
        return generator(self.seed, self.number, NOISE_OF_SCAN)


def generator(seed: int, number: int, *what: int) -> np.random.Generator:
    """One per head and purpose."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number, *what)))


def draw_subject(seed: int, number: int, size_px: int) -> Subject:
    """Head `number` of a seed, as the population has them."""
    rng = generator(seed, number, PERSON)
    patient = Patient(draw_head(rng), Bleeds(), draw_lookalikes(rng))
    return Subject(seed, number, patient, *draw_setup(rng, patient, size_px))


def draw_bleed(subject: Subject, label: str) -> Any:
    """Where the subject bleeds and in what form: as in the population, but clots (ivh) and crescents (sdh) only."""
    rng = generator(subject.seed, subject.number, BLEED, LABELS.index(label))
    draw = getattr(bleeds, f"draw_{label}")
    bleed = draw(rng)
    while (label == "ivh" and bleed.clot is None) or (label == "sdh" and bleed.along_falx):
        bleed = draw(rng)
    return bleed


def with_bleed(subject: Subject, label: str, bleed: Any, size_mm: float, contrast_hu: float) -> Subject:
    """The subject with this bleed alone, of a size and a contrast over the brain; the midline is not shifted."""
    bleed = sized(label, bleed, size_mm)._replace(hu=subject.brain_hu + contrast_hu)
    return subject._replace(patient=subject.patient._replace(bleeds=Bleeds(**{label: (bleed,)})))


def sized(label: str, bleed: Any, size_mm: float) -> Any:
    """The same bleed, larger or smaller about its place. size_mm: as in `conditions.SIZES`."""
    if label == "ich":
        scale = size_mm / float(np.prod(bleed.radii)) ** (1 / 3)
        vectors = bleed.wobble.vectors / scale  # the same bumps, on the smaller figure
        phases = bleed.wobble.phases + (bleed.wobble.vectors - vectors) @ np.array(bleed.centre)
        wobble = bleed.wobble._replace(vectors=vectors, phases=phases)
        radii = tuple(radius * scale for radius in bleed.radii)
        return bleed._replace(radii=radii, oedema_mm=bleed.oedema_mm * scale, wobble=wobble)
    if label == "ivh":
        return bleed._replace(clot=(bleed.clot[0], size_mm))
    return bleed._replace(**{"radius_mm" if label == "sah" else "thickness_mm": size_mm})
