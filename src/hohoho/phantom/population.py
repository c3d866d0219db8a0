"""The phantom's population: who patient `number` of a seed is, how often scanned, and what the images are called."""

import hashlib

import numpy as np

from hohoho.phantom.elsewhere import HERE, Elsewhere
from hohoho.phantom.study import Patient, Study, draw_patient, draw_study

P_SECOND_STUDY = 0.04


def name(digits: int, *key: int) -> str:
    """`ID_` and a number of hexadecimal digits: random to look at, the same for the same key."""
    text = "/".join(str(part) for part in key)
    return "ID_" + hashlib.sha256(text.encode()).hexdigest()[:digits]


def patient_id(seed: int, number: int) -> str:
    """What the files call the patient."""
    return name(8, seed, number)


def image_id(seed: int, number: int, study: int, index: int) -> str:
    """What the files call slice `index`, foot to head, of the patient's first (0) or second (1) study."""
    return name(9, seed, number, study, index)


def patient_of(seed: int, number: int) -> tuple[Patient, np.random.Generator]:
    """Patient `number`, and the generator that draws the patient's studies next."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
    return draw_patient(rng), rng


def studies_of(patient: Patient, rng: np.random.Generator, size: int, place: Elsewhere = HERE) -> list[Study]:
    """The patient's one or two studies at `size` x `size` pixels."""
    studies = [draw_study(rng, patient, size, place=place)]
    if rng.random() < P_SECOND_STUDY:
        studies.append(draw_study(rng, patient, size, place=place))
    return studies
