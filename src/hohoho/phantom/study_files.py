"""Writes one study as DICOM files, named at random as in RSNA's data set, and its bleed masks."""

import hashlib
from pathlib import Path

import numpy as np

from hohoho.phantom.acquisition import Acquisition
from hohoho.phantom.dicom_writer import CtSeries, series_dataset, write_image
from hohoho.phantom.study import Study

# Manufacturer, kernel: stand-ins for the words that scanners write.
SCANNERS = (("GE MEDICAL SYSTEMS", "STANDARD"), ("SIEMENS", "H30s"), ("Philips", "UB"), ("TOSHIBA", "FC26"))
P_SIGNED, P_PADDED, P_REVERSED = 0.6, 0.6, 0.3
PADDING = -2000
UNSIGNED_INTERCEPT = -1024
MASK_FROM = 64  # of 255: a pixel belongs to the stored mask from a quarter of blood on, so that faded ends are in it


def name(digits: int, *key: int) -> str:
    """`ID_` and a number of hexadecimal digits: random to look at, the same for the same key."""
    text = "/".join(str(part) for part in key)
    return "ID_" + hashlib.sha256(text.encode()).hexdigest()[:digits]


def draw_uid(rng: np.random.Generator) -> str:
    """A unique identifier from 128 random bits (PS3.5 B.2)."""
    return f"2.25.{int.from_bytes(rng.bytes(16), 'big')}"


def draw_series(rng: np.random.Generator, patient_id: str, age: float, sex: str, acquisition: Acquisition) -> CtSeries:
    """The series' identity, and how it stores its pixels."""
    manufacturer, kernel = SCANNERS[rng.integers(len(SCANNERS))]
    signed = bool(rng.random() < P_SIGNED)
    padded = signed and rng.random() < P_PADDED
    return CtSeries(
        patient_id=patient_id,
        study_uid=draw_uid(rng),
        series_uid=draw_uid(rng),
        frame_uid=draw_uid(rng),
        patient_age=f"{int(18 + 75 * age):03d}Y",
        patient_sex=sex,
        manufacturer=manufacturer,
        kernel=kernel,
        orientation=(*acquisition.row_direction.tolist(), *acquisition.column_direction.tolist()),
        pixel_mm=acquisition.pixel_mm,
        thickness_mm=acquisition.thickness_mm,
        bits_stored=16 if signed else 12,
        signed=signed,
        slope=1.0,
        intercept=float(rng.choice([0, UNSIGNED_INTERCEPT])) if signed else UNSIGNED_INTERCEPT,
        padding=PADDING if padded else None,
        window_hu=((40.0, 80.0), (36.0, 80.0), (35.0, 100.0))[rng.integers(3)],
    )


def stored_values(hu: np.ndarray, series: CtSeries) -> np.ndarray:
    """(Z, H, W) HU as the series stores them, padded outside the circle where it pads."""
    stored = hu.astype(np.int32) - int(series.intercept)
    if not series.signed:
        return np.clip(stored, 0, 2**series.bits_stored - 1).astype(np.uint16)
    if series.padding is not None:
        steps = np.arange(hu.shape[-1]) - (hu.shape[-1] - 1) / 2
        stored[:, steps[:, None] ** 2 + steps**2 > (hu.shape[-1] / 2) ** 2] = series.padding
    return stored.astype(np.int16)


def write_study(folder: Path, study: Study, image_ids: list[str], series: CtSeries, rng: np.random.Generator) -> None:
    """Write each slice to `folder/<image id>.dcm`; in some series InstanceNumber runs from head to foot."""
    count = len(image_ids)
    numbers = np.arange(1, count + 1)
    if rng.random() < P_REVERSED:
        numbers = numbers[::-1]
    shared, stored = series_dataset(series), stored_values(study.hu, series)
    positions = study.acquisition.first_pixels
    for index, image_id in enumerate(image_ids):
        path = folder / f"{image_id}.dcm"
        write_image(path, shared, draw_uid(rng), int(numbers[index]), positions[index], stored[index])


def write_masks(path: Path, blood: np.ndarray) -> None:
    """Keep (Z, 5, H, W) uint8 parts of blood as packed bits."""
    mask = blood >= MASK_FROM
    np.savez_compressed(path, shape=np.array(mask.shape), bits=np.packbits(mask))


def read_masks(path: Path) -> np.ndarray:
    """The (Z, 5, H, W) bool masks of one study, foot to head, in the order of LABELS."""
    with np.load(path) as stored:
        shape = tuple(stored["shape"].tolist())
        return np.unpackbits(stored["bits"], count=int(np.prod(shape))).reshape(shape).astype(bool)
