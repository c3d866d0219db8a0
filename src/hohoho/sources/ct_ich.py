"""CT-ICH (PhysioNet, Hssayeni et al.): NIfTI volumes, or the older release's brain-window JPEGs, slices labelled."""

import re
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from hohoho.errors import InputError, Unusable
from hohoho.labels import LABELS
from hohoho.scans.geometry import tilt_deg
from hohoho.scans.scan import SKIPPED, WARNED, Inventory, Note, Scan
from hohoho.sources.course import entries, read_picture
from hohoho.sources.ct_ich_labels import read_diagnoses
from hohoho.sources.nifti import read_plane, read_volume

VOLUMES, VOLUME_LABELS = "ct_scans", "hemorrhage_diagnosis_raw_ct.csv"
PICTURES, PICTURE_LABELS, BRAIN = "Patients_CT", "hemorrhage_diagnosis.csv", "brain"
VOLUME_NAME = re.compile(r"(\d+)\.nii(?:\.gz)?", re.IGNORECASE)
PICTURE_NAME = re.compile(r"(\d+)\.jpe?g", re.IGNORECASE)
MASK_NAME = re.compile(r"\d+_HGE_Seg\.jpe?g", re.IGNORECASE)
BRAIN_WINDOW_HU = (40.0, 120.0)  # center, width of the pictures, from the data set's README
THICKNESS_MM = 5.0  # likewise; a picture does not tell its position


class Found(NamedTuple):
    """A scan before its labels, and what the CSV calls its slices."""

    scan: Scan
    numbers: list[int]


def find(root: Path, max_unmatched_labels: float) -> Inventory:
    """All scans below `root`: ct_scans/<patient>.nii, else Patients_CT/<patient>/brain/<slice>.jpg, and the CSV.

    A slice number counts a volume's planes as they are stored, from 1; pictures are taken to be numbered from the feet.
    Raises InputError where the layout, the CSV or the fraction of labels without an image is not as needed.
    """
    root = Path(root)
    if (root / VOLUMES).is_dir():
        label_file, (found, notes, files) = VOLUME_LABELS, _volumes(root / VOLUMES)
    elif (root / PICTURES).is_dir():
        label_file, (found, notes, files) = PICTURE_LABELS, _pictures(root / PICTURES)
    else:
        raise InputError(
            f"{root}: data.root needs {VOLUMES}/049.nii … and {VOLUME_LABELS}, or the older release's "
            f"{PICTURES}/049/{BRAIN}/1.jpg … and {PICTURE_LABELS}"
        )
    _refuse_doubles(root, found)
    labels, label_notes = read_diagnoses(root / label_file)
    notes += label_notes + _match(labels, found, label_file, max_unmatched_labels)
    scans = [replace(each.scan, labels=labels.reindex(_keys(each)).to_numpy(np.float32)) for each in found]
    return Inventory(scans, notes, files, str(root))


def _volumes(folder: Path) -> tuple[list[Found], list[Note], int]:
    found, notes, paths = [], [], sorted(folder.iterdir())
    for path in paths:
        name = VOLUME_NAME.fullmatch(path.name)
        try:
            if not name:
                raise Unusable("no_number_in_name", f"{path}: not named <patient>.nii")
            found.append(_volume(path, name[1], notes))
        except Unusable as unusable:
            notes.append(Note(SKIPPED, unusable.reason, item=str(path)))
    return found, notes, len(paths)


def _volume(path: Path, number: str, notes: list[Note]) -> Found:
    volume = read_volume(path)
    notes += [Note(WARNED, warning, _patient(number)) for warning in volume.warnings]
    scan = Scan(
        patient=_patient(number),
        study=_patient(number),
        images=volume.planes,
        read_slice=read_plane,
        position_mm=volume.position_mm,
        spacing_mm=np.tile(volume.spacing_mm, (len(volume.planes), 1)),
        labels=_unlabelled(len(volume.planes)),
        tilt_deg=tilt_deg(volume.orientation),
    )
    return Found(scan, [plane.index + 1 for plane in volume.planes])


def _pictures(folder: Path) -> tuple[list[Found], list[Note], int]:
    found, notes, files = [], [], 0
    for patient in sorted(path for path in folder.iterdir() if path.name.isdecimal()):
        paths = [path for path in entries(patient / BRAIN, notes) if not MASK_NAME.fullmatch(path.name)]
        names = {path: PICTURE_NAME.fullmatch(path.name) for path in paths}
        notes += [Note(SKIPPED, "no_number_in_name", item=str(path)) for path in paths if not names[path]]
        order = sorted((int(name[1]), str(path)) for path, name in names.items() if name)
        files += len(paths)
        if order:
            found.append(_picture_scan(patient.name, *map(list, zip(*order, strict=True))))
    return found, notes, files


def _picture_scan(number: str, numbers: list[int], paths: list[str]) -> Found:
    scan = Scan(
        patient=_patient(number),
        study=_patient(number),
        images=tuple(paths),
        read_slice=partial(read_picture, window_hu=BRAIN_WINDOW_HU),
        position_mm=np.array(numbers) * THICKNESS_MM,
        spacing_mm=np.ones((len(paths), 2)),
        labels=_unlabelled(len(paths)),
        thickness_mm=THICKNESS_MM,
    )
    return Found(scan, numbers)


def _patient(number: str) -> str:
    """The same in both releases: "049" and "49" → "49"."""
    return str(int(number))


def _unlabelled(slices: int) -> np.ndarray:
    return np.full((slices, len(LABELS)), np.nan, np.float32)


def _keys(found: Found) -> list[tuple[int, int]]:
    return [(int(found.scan.patient), number) for number in found.numbers]


def _refuse_doubles(root: Path, found: list[Found]) -> None:
    doubles = [patient for patient, n in Counter(each.scan.patient for each in found).items() if n > 1]
    if doubles:
        raise InputError(f"{root}: {len(doubles)} patients have several scans, first {doubles[0]}: keep one each")


def _match(labels: pd.DataFrame, found: list[Found], label_file: str, max_unmatched: float) -> list[Note]:
    """Notes on labels without an image and images without labels; InputError above the accepted fraction."""
    images = {key: each.scan.study for each in found for key in _keys(each)}
    missing = [key for key in labels.index if key not in images]
    if len(missing) > max_unmatched * len(labels):
        raise InputError(
            f"{len(missing)} of {len(labels)} rows of {label_file} have no slice, more than the accepted fraction "
            f"{max_unmatched}; the first is patient {missing[0][0]}, slice {missing[0][1]}. Complete the download, or "
            "raise data.max_unmatched_labels for a partial copy."
        )
    named = set(labels.index)
    return [Note(WARNED, "label_without_image", item="{}/{}".format(*key)) for key in missing] + [
        Note(WARNED, "image_without_label", study) for key, study in images.items() if key not in named
    ]
