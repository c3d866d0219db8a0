"""One patient's head: every number in which people differ, drawn once."""

from typing import NamedTuple

import numpy as np

from hohoho.phantom.geometry import Point, Waves, draw_waves

HALF_AXES_MM = (72.5, 88.0, 82.0)  # outer table: width, length, height
HEAD_SIZE_SD = 0.04
SULCUS_HALF_WIDTH_MM = (0.35, 1.15)  # at age 0, and what age 1 adds
GYRUS_WAVELENGTH_MM = 23.0  # from one sulcus to the next but one
P_HYDROCEPHALUS = 0.06


class Head(NamedTuple):
    age: float  # 0 young, 1 old: drives sulci, ventricles and white-matter disease
    half_axes_mm: Point
    egg_per_mm: float  # how much narrower the forehead is than the back
    skull_mm: float
    scalp_mm: float
    table_hu: float
    diploe_hu: float
    grey_hu: float
    white_hu: float
    csf_hu: float
    falx_hu: float
    sinus_hu: float  # blood in the venous sinuses
    sulcus_half_width_mm: float
    sulcus_depth_mm: float
    brain_gap_mm: float  # fluid between skull and brain
    ventricle_scale: float
    midline_shift_mm: float
    ventricle_asymmetry_mm: float  # the left lateral ventricle is this much wider all round
    leukoaraiosis_hu: float  # how much darker the white matter is around the ventricles
    gyri: Waves
    depths: Waves  # which sulci are deep, which shallow
    bumps: Waves  # slow unevenness of skull shape and thickness
    cells: Waves  # air cells of mastoid and ethmoid


def draw_head(rng: np.random.Generator) -> Head:
    """A head from the population."""
    age = float(np.clip(rng.normal(0.55, 0.25), 0, 1))
    size = rng.normal(1, HEAD_SIZE_SD * 0.7) * rng.normal(1, HEAD_SIZE_SD * 0.7, 3)
    ventricles = (0.62 + 0.55 * age) * rng.lognormal(0, 0.16)
    if rng.random() < P_HYDROCEPHALUS:
        ventricles *= rng.uniform(1.5, 2.0)
    half_width, per_age = SULCUS_HALF_WIDTH_MM
    return Head(
        age=age,
        half_axes_mm=tuple((np.array(HALF_AXES_MM) * np.clip(size, 0.87, 1.13)).tolist()),
        egg_per_mm=float(np.clip(rng.normal(0.0010, 0.0004), 0.0, 0.0020)),
        skull_mm=rng.uniform(4.5, 7.0),
        scalp_mm=rng.uniform(3.5, 6.0),
        table_hu=rng.uniform(1300, 1600),
        diploe_hu=rng.uniform(650, 950),
        grey_hu=rng.uniform(35.5, 38.5),
        white_hu=rng.uniform(26.5, 29.5),
        csf_hu=rng.uniform(4, 8),
        falx_hu=rng.uniform(44, 56),
        sinus_hu=rng.uniform(48, 62),
        sulcus_half_width_mm=(half_width + per_age * age) * rng.lognormal(0, 0.15),
        sulcus_depth_mm=rng.uniform(14, 19),
        brain_gap_mm=0.3 + 1.5 * age * age + rng.uniform(0, 0.4),
        ventricle_scale=float(ventricles),
        midline_shift_mm=float(np.clip(rng.normal(0, 1.2), -3, 3)),
        ventricle_asymmetry_mm=float(np.clip(rng.normal(0, 0.3), -0.7, 0.7)),
        leukoaraiosis_hu=float(rng.uniform(0, 9) * age),
        gyri=draw_waves(rng, GYRUS_WAVELENGTH_MM, 9),
        depths=draw_waves(rng, 34, 4),
        bumps=draw_waves(rng, 95, 4),
        cells=draw_waves(rng, 8.5, 7),
    )
