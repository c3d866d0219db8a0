"""Which bleeds a patient has: five types, their places, sizes and densities, drawn once."""

from typing import NamedTuple

import numpy as np

from hohoho.phantom.geometry import Point, Waves, draw_waves

P_BLEEDING = 0.67  # the other patients have normal scans
P_ICH, P_SAH, P_SDH, P_EDH = 0.62, 0.33, 0.56, 0.16  # of a bleeding patient
P_IVH_WITH_ICH, P_IVH_ALONE = 0.54, 0.26
DEEP_SITES = ((25.0, -2.0, 7.0), (12.0, 10.0, 9.0), (13.0, -20.0, 14.0))  # putamen, thalamus, caudate
SDH_TOP_MM = 76.0  # a crescent ends below the vertex
POSTERIOR_FOSSA_SITES = ((18.0, 55.0, -34.0), (2.0, 16.0, -32.0))  # cerebellum, pons


class Ich(NamedTuple):
    centre: Point
    radii: Point
    hu: float
    oedema_mm: float  # width of the oedema around it
    wobble: Waves


class Ivh(NamedTuple):
    hu: float
    level_y_mm: float  # of the blood-fluid level: in a supine patient blood lies behind it; a clot has none
    filling: tuple[float, float, float]  # 0 to 1: left and right lateral ventricle, third and fourth
    clot: tuple[Point, float] | None  # centre and radius


class Sah(NamedTuple):
    hu: float
    centre: Point
    radius_mm: float
    widen_mm: float


class Sdh(NamedTuple):
    hu: float
    side: int  # +1 left, -1 right
    thickness_mm: float
    azimuth: float  # rad, of its middle: 0 to the front, pi to the back
    half_azimuth: float  # rad
    z_mm: float
    half_z_mm: float
    along_falx: bool


class Edh(NamedTuple):
    hu: float
    direction: Point  # from the centre of the head to its middle
    thickness_mm: float
    radius_mm: float


class Bleeds(NamedTuple):
    ich: tuple[Ich, ...] = ()
    ivh: tuple[Ivh, ...] = ()
    sah: tuple[Sah, ...] = ()
    sdh: tuple[Sdh, ...] = ()
    edh: tuple[Edh, ...] = ()
    shift_mm: float = 0.0  # of the midline to the left, away from the heaviest bleed


def draw_bleeds(rng: np.random.Generator) -> Bleeds:
    """A patient's bleeds, or none."""
    if rng.random() > P_BLEEDING:
        return Bleeds()
    while True:
        has_ich = rng.random() < P_ICH
        ich_count = rng.choice([1, 2, 3], p=[0.75, 0.18, 0.07]) if has_ich else 0
        ich = tuple(draw_ich(rng) for _ in range(ich_count))
        ivh = (draw_ivh(rng),) if rng.random() < (P_IVH_WITH_ICH if ich else P_IVH_ALONE) else ()
        sah = (draw_sah(rng),) if rng.random() < P_SAH else ()
        sdh = tuple(draw_sdh(rng) for _ in range(1 + (rng.random() < 0.15))) if rng.random() < P_SDH else ()
        edh = (draw_edh(rng),) if rng.random() < P_EDH else ()
        if ich or ivh or sah or sdh or edh:
            return Bleeds(ich, ivh, sah, sdh, edh, midline_shift(ich, sdh, edh))


def on_head(side: int, azimuth: float, z: float, half_width_mm: float, half_length_mm: float) -> Point:
    """A place `z` mm above the centre on an egg that narrows to the vertex; azimuth: 0 to the front, pi to the back."""
    reach = np.sqrt(1 - (z / 85) ** 2)
    x, y = side * half_width_mm * reach * np.sin(azimuth), -half_length_mm * reach * np.cos(azimuth)
    return float(x), float(y), float(z)


def midline_shift(ich, sdh, edh) -> float:
    """mm to the left: a mass pushes to the other side, in rough proportion to its thickness."""
    push = sum(np.sign(b.centre[0]) * 0.10 * max(b.radii[0] - 8, 0) * 2 for b in ich)
    push += sum(b.side * 0.35 * b.thickness_mm for b in sdh if not b.along_falx)
    push += sum(np.sign(b.direction[0]) * 0.2 * b.thickness_mm for b in edh)
    return float(np.clip(-push, -7, 7))


def draw_ich(rng: np.random.Generator) -> Ich:
    """An irregular ellipsoid of blood: deep (hypertensive), lobar, or in the posterior fossa."""
    radius = float(np.clip(rng.lognormal(np.log(14), 0.5), 4.4, 35))
    side = rng.choice([-1, 1])
    kind = rng.choice(3, p=[0.42, 0.48, 0.10])
    if kind == 1:
        azimuth, z, ring = rng.uniform(0.1, 3.0), rng.uniform(-8, 52), rng.uniform(0.5, 0.85)
        reach = ring * np.sqrt(1 - (z / 85) ** 2)
        centre = np.array([62 * reach * np.sin(azimuth), -76 * reach * np.cos(azimuth), z])
    else:
        sites = DEEP_SITES if kind == 0 else POSTERIOR_FOSSA_SITES
        centre = np.array(sites[rng.integers(len(sites))]) + rng.normal(0, 3, 3)
        radius = min(radius, 27 if kind == 0 else 17)
    radii = radius * rng.lognormal(0, 0.2, 3)
    centre = (float(side * centre[0]), float(centre[1]), float(centre[2]))
    waves = draw_waves(rng, 1.6 * radius, 5)
    return Ich(centre, tuple(radii.tolist()), rng.uniform(53, 86), rng.uniform(2.5, 7), waves)


def draw_ivh(rng: np.random.Generator) -> Ivh:
    """Blood in the ventricles: a level in the dependent horns, a clot, or a cast of a whole ventricle."""
    hu = rng.uniform(51, 84)
    if rng.random() < 0.65:
        fuller, other, middle = 1.0, float(rng.random() < 0.8), float(rng.random() < 0.6)
        left, right = (other, fuller) if rng.random() < 0.5 else (fuller, other)
        return Ivh(hu, rng.uniform(6, 40), (left, right, middle), None)
    side = rng.choice([-1, 1])
    y = rng.uniform(-32, 36)
    clot = (float(side * (8 + max(y, 0) * 0.4)), float(y), float(20 - max(y, 0) * 0.15)), rng.uniform(11, 32)
    return Ivh(hu, -99.0, (0.0, 0.0, 0.0), clot)


def draw_sah(rng: np.random.Generator) -> Sah:
    """Blood in the sulci of a region of the convexity, or in the basal cisterns."""
    hu, widen = rng.uniform(56, 86), rng.uniform(2.2, 3.8)
    if rng.random() < 0.4:
        return Sah(hu, (float(rng.normal(0, 10)), float(rng.normal(-4, 8)), -10.0), rng.uniform(38, 58), widen)
    azimuth, z, side = rng.uniform(0.2, 2.9), rng.uniform(2, 62), rng.choice([-1, 1])
    return Sah(hu, on_head(side, azimuth, z, 62, 76), rng.uniform(25, 52), widen)


def draw_sdh(rng: np.random.Generator) -> Sdh:
    """A crescent over one hemisphere, or a sheet along the falx; acute, subacute or chronic."""
    age = rng.choice(3, p=[0.85, 0.05, 0.10])
    hu = (rng.uniform(53, 86), rng.uniform(30, 42), rng.uniform(8, 23))[age]
    thickness = float(np.clip(rng.lognormal(np.log(9), 0.45), 5, 25))
    along_falx = bool(rng.random() < 0.2)
    thickness = min(thickness, 8.8) if along_falx else thickness
    side, z = int(rng.choice([-1, 1])), rng.uniform(12, 52)
    half_z = min(rng.uniform(22, 42), SDH_TOP_MM - z)
    return Sdh(hu, side, thickness, rng.uniform(0.9, 2.2), rng.uniform(0.6, 1.25), z, half_z, along_falx)


def draw_edh(rng: np.random.Generator) -> Edh:
    """A lens under the inner table, most often at the temple."""
    azimuth, z = rng.uniform(0.6, 2.5), rng.uniform(-10, 45)
    direction = on_head(rng.choice([-1, 1]), azimuth, z, 70, 86)
    return Edh(rng.uniform(58, 86), direction, rng.uniform(9, 25), rng.uniform(24, 42))
