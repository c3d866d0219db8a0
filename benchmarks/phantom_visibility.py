"""How visible the phantom's bleeds are at the training size, class by class: what its difficulty was set by.

For every labelled slice: the contrast of the blood to the brain around it, in the picture that training sees (window,
resizing and noise included), over the standard deviation of that brain – grey and white matter, sulci and noise. Run:
`uv run python benchmarks/phantom_visibility.py`.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import cv2
import numpy as np
import pandas as pd

from hohoho.labels import LABELS
from hohoho.machine import cores
from hohoho.phantom.study import Study, draw_patient, draw_study
from hohoho.scans.windowing import window_and_resize

WINDOW_HU = (40, 80)
BRAIN_HU = (8, 70)  # what may count as surroundings: no air, no bone
RING_PX = 3  # surroundings: this far around the blood
TARGET = {
    "ich": 7.54,
    "ivh": 11.22,
    "sah": 7.64,
    "sdh": 5.07,
    "edh": 24.03,
}  # negatives per positive of the paper's data


def main() -> None:
    """Print one line per class."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--patients", type=int, default=300)
    options.add_argument("--size-px", type=int, default=96, help="of the DICOM matrix")
    options.add_argument("--image-size", type=int, default=64, help="of the training picture")
    given = options.parse_args()
    sequences = np.random.SeedSequence(0).spawn(given.patients)
    with ProcessPoolExecutor(cores()) as pool:
        found = list(pool.map(partial(measure, given.size_px, given.image_size), sequences, chunksize=4))
    slices = sum(count for _, count in found)
    table = pd.concat([rows for rows, _ in found])
    print(f"{given.patients} patients, {slices} slices, pictures of {given.image_size} px")
    print("class  positives  neg/pos (paper)  area mm² 10 %, median  HU over brain  CNR 10 %, median  below 1")
    for label in LABELS:
        rows = table[table["label"] == label]
        cnr, area = rows["cnr"].abs(), rows["area_mm2"]
        print(
            f"{label:6} {len(rows):9} {slices / len(rows) - 1:9.1f} {TARGET[label]:6.1f} {area.quantile(0.1):11.0f} "
            f"{area.median():10.0f} {rows['contrast_hu'].median():13.0f} {cnr.quantile(0.1):12.1f} {cnr.median():6.1f} "
            f"{(cnr < 1).mean():9.0%}"
        )


def measure(size_px: int, image_size: int, sequence: np.random.SeedSequence) -> tuple[pd.DataFrame, int]:
    """The labelled slices of one patient's first study, and how many slices it has."""
    rng = np.random.default_rng(sequence)
    study = draw_study(rng, draw_patient(rng), size_px)
    rows = [row for index, label in np.argwhere(study.labels) if (row := visibility(study, index, label, image_size))]
    return pd.DataFrame(rows, columns=["label", "area_mm2", "contrast_hu", "cnr"]), len(study.hu)


def visibility(study: Study, index: int, label: int, image_size: int) -> tuple[str, float, float, float] | None:
    """Class, area, contrast and contrast to noise; None where no brain surrounds the blood."""
    low, width = WINDOW_HU[0] - WINDOW_HU[1] / 2, WINDOW_HU[1]
    hu = window_and_resize(study.hu[index], (1.0, 1.0), image_size, *WINDOW_HU) * np.float32(width / 255) + low
    shrunk = [cv2.resize(part, (image_size, image_size), interpolation=cv2.INTER_AREA) for part in study.blood[index]]
    part, any_blood = shrunk[label], np.sum(shrunk, axis=0)
    inside = part >= part.max() / 2
    near = cv2.dilate(inside.astype(np.uint8), np.ones((2 * RING_PX + 1,) * 2)) > 0
    brain = near & (any_blood < 13) & (hu > BRAIN_HU[0]) & (hu < BRAIN_HU[1])
    if brain.sum() < 4:
        return None
    contrast = np.average(hu, weights=part * inside) - hu[brain].mean()
    return LABELS[label], study.area_mm2[index, label], contrast, contrast / max(hu[brain].std(), 0.1)


if __name__ == "__main__":
    main()
