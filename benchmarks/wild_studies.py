"""Twenty studies as hospitals send them, made of head phantoms, and a picture of what `hohoho check` says of them.

`uv run python benchmarks/wild_studies.py FOLDER --picture docs/img/check.png`
"""

import argparse
import copy
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pydicom

from hohoho.phantom.tree import write_phantom

PATIENTS, SIDE, SEED = 20, 512, 7


def main() -> None:
    """Write the studies, check them, and draw what the command printed."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("folder", type=Path)
    options.add_argument("--picture", type=Path)
    given = options.parse_args()
    heads = phantom_studies()
    for number, (wild, images) in enumerate(zip(WILD, heads, strict=False), 1):
        for place, image in enumerate(wild(images)):
            path = given.folder / f"{number:02d}_{wild.__name__}" / f"{place:03d}"
            path.parent.mkdir(parents=True, exist_ok=True)
            image.save_as(path)
    command = [sys.executable, "-m", "hohoho.cli", "check", str(given.folder)]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    print(said)
    if given.picture:
        draw(f"$ hohoho check {given.folder.name}\n{said}", given.picture)


def phantom_studies() -> list[list[pydicom.Dataset]]:
    """One study of each phantom patient, foot to head."""
    with tempfile.TemporaryDirectory() as folder:
        write_phantom(Path(folder) / "phantom", PATIENTS, SEED, SIDE)
        rows = pd.read_csv(Path(folder) / "phantom/truth/slices.csv")
        first = rows[rows["study_uid"].isin(rows.groupby("patient_id")["study_uid"].first())]
        paths = {name: Path(folder) / f"phantom/stage_2_train/{name}.dcm" for name in first["image_id"]}
        studies = first.groupby("study_uid")["image_id"]
        images = [[pydicom.dcmread(paths[name]) for name in names] for _, names in studies]
    return [sorted(study, key=lambda image: image.ImagePositionPatient[2]) for study in images]


def series(images, number, **tags):
    """The images as another series of their study."""
    images = copy.deepcopy(images)
    for image in images:
        image.SeriesInstanceUID += f".{number}"
        image.SOPInstanceUID += f".{number}"
        for name, value in tags.items():
            setattr(image, name, value)
    return images


def each(images, change):
    for place, image in enumerate(images):
        change(place, image)
    return images


def moved(images, mm, **tags):
    """The same series again, moved along z."""
    again = series(images, 9, SeriesInstanceUID=images[0].SeriesInstanceUID, **tags)
    return each(again, lambda _, image: shift(image, mm))


def shift(image, mm):
    x, y, z = image.ImagePositionPatient
    image.ImagePositionPatient = [x, y, round(float(z) + mm, 4)]


def good(images):
    return images


def contrast_beside_it(images):
    return images + series(images, 1, ContrastBolusAgent="OMNIPAQUE 80 ML")


def mip_beside_it(images):
    return images + series(images[::2], 1, ImageType=["DERIVED", "SECONDARY", "MIP"])


def abdomen_beside_it(images):
    return images + each(series(images, 1, BodyPartExamined="ABDOMEN"), lambda _, image: shift(image, -400))


def bone_and_repeat(images):
    return images + series(images, 1, ConvolutionKernel="BONEPLUS") + series(images[8:11], 2)


def torn_by_acquisitions(images):
    return each(images, lambda i, image: setattr(image, "AcquisitionNumber", str(i // 2 + 1)))


def two_phases_in_one_series(images):
    return images + moved(images, 0.4, AcquisitionNumber="2")


def contrast_in_one_series(images):
    return images + moved(images, 0.4, ContrastBolusAgent="X")


def one_position_missing(images):
    del images[9].ImagePositionPatient
    return images


def positions_all_zero(images):
    return each(images, lambda i, image: image.update({"SliceLocation": str(5 * i), "ImagePositionPatient": [0, 0, 0]}))


def without_order(images):
    return each(images, lambda i, image: [image.pop(name, None) for name in ("ImagePositionPatient", "InstanceNumber")])


def prone(images):
    for image in images:
        image.PixelData = image.pixel_array[::-1, ::-1].tobytes()
        image.ImageOrientationPatient = [-float(value) for value in image.ImageOrientationPatient]
    return images


def on_the_side(images):
    for image in images:
        image.PixelData = np.rot90(image.pixel_array).tobytes()
        row, column = np.array(image.ImageOrientationPatient, float).reshape(2, 3)
        image.ImageOrientationPatient = [*column, *-row]
    return images


def hu_plus_1024(images):
    return each(images, lambda _, image: setattr(image, "RescaleIntercept", str(float(image.RescaleIntercept) + 1024)))


def gap_in_the_middle(images):
    return images[:10] + images[18:]


def two_patients(images):
    return each(images, lambda i, image: setattr(image, "PatientID", "another") if i > 20 else None)


def some_without_id(images):
    return each(images, lambda i, image: setattr(image, "PatientID", "") if i % 3 else None)


def one_uid_twice(images):
    images[4].SOPInstanceUID = images[9].SOPInstanceUID
    return images


def without_rescale(images):
    return each(images, lambda _, image: [image.pop(name) for name in ("RescaleSlope", "RescaleIntercept")])


def pixels_cut_off(images):
    for image in images[5:8]:
        image.PixelData = image.PixelData[:-2000]
    return images


WILD = [
    good, contrast_beside_it, mip_beside_it, abdomen_beside_it, bone_and_repeat, torn_by_acquisitions,
    two_phases_in_one_series, contrast_in_one_series, one_position_missing, positions_all_zero, without_order, prone,
    on_the_side, hu_plus_1024, gap_in_the_middle, two_patients, some_without_id, one_uid_twice, without_rescale,
    pixels_cut_off,
]  # fmt: skip


def draw(text: str, path: Path) -> None:
    """The text as a terminal shows it."""
    lines = text.splitlines()
    figure = plt.figure(figsize=(0.085 * max(map(len, lines)) + 0.3, 0.155 * len(lines) + 0.3), facecolor="#1e1e1e")
    figure.text(0.015, 0.99, text, family="monospace", size=9, color="#e0e0e0", va="top", linespacing=1.15)
    figure.savefig(path, dpi=100, bbox_inches="tight", pad_inches=0.15)


if __name__ == "__main__":
    main()
