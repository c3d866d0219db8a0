"""CT-ICH (PhysioNet, Hssayeni et al.): NIfTI volumes, or the older release's brain-window JPEGs, slices labelled."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from hohoho.errors import InputError, Unusable
from hohoho.labels import LABELS, RSNA_SUBTYPES, unlabelled
from hohoho.scans.geometry import tilt_deg
from hohoho.scans.scan import SKIPPED, WARNED, Inventory, Note, Scan
from hohoho.sources.course import read_picture
from hohoho.sources.csv_rows import binary_labels, one_row_each, read_rows, whole_numbers
from hohoho.sources.direction import foot_to_head
from hohoho.sources.listing import numbered_files, require_layout
from hohoho.sources.matching import LabelNames, match
from hohoho.sources.nifti import Plane, read_plane, read_volume
from hohoho.sources.request import Request

VOLUMES, VOLUME_LABELS = "ct_scans", "hemorrhage_diagnosis_raw_ct.csv"
PICTURES, PICTURE_LABELS, BRAIN = "Patients_CT", "hemorrhage_diagnosis.csv", "brain"
VOLUME_NAME = re.compile(r"(\d+)\.nii(?:\.gz)?", re.IGNORECASE)
PICTURE_NAME = re.compile(r"(?:(\d+)|\d+_HGE_Seg)\.jpe?g", re.IGNORECASE)  # masks are passed over
NEEDED = f"{VOLUMES}/049.nii … and {VOLUME_LABELS}, or {PICTURES}/049/{BRAIN}/1.jpg … and {PICTURE_LABELS}"
BRAIN_WINDOW_HU = (40.0, 120.0)  # center, width of the pictures, from the data set's README
THICKNESS_MM = 5.0  # likewise; a picture does not tell its position
TYPES = {label: subtype.capitalize() for subtype, label in RSNA_SUBTYPES.items()}  # columns of the CSV
PATIENT, SLICE, NONE = "PatientNumber", "SliceNumber", "No_Hemorrhage"
COLUMNS = f"Needed are {PATIENT}, {SLICE} (from 1), {', '.join(TYPES.values())} and {NONE}, each 0 or 1."


def find(request: Request) -> Inventory:
    """All scans below `root`: ct_scans/<patient>.nii, else Patients_CT/<patient>/brain/<slice>.jpg, and the CSV.

    A slice number counts a volume's planes as they are stored, from 1; whether pictures are numbered from the feet or
    from the head, they tell themselves.
    Raises InputError where the layout, the CSV or the fraction of labels without an image is not as needed.
    """
    root, left_out = Path(request.root), []
    if (root / PICTURES).is_dir() and not (root / VOLUMES).is_dir():
        label_file, scans = PICTURE_LABELS, _picture_scans(root / PICTURES, left_out)
    else:
        require_layout(root, (VOLUMES,), NEEDED)
        label_file, scans = VOLUME_LABELS, _volume_scans(root / VOLUMES, left_out)
    doubles = [patient for patient, n in Counter(scan.patient for scan in scans).items() if n > 1]
    if doubles:
        raise InputError(f"{root}: {len(doubles)} patients have several scans, first {doubles[0]}: keep one each")
    files = sum(len(scan.paths) for scan in scans) + sum(note.action == SKIPPED for note in left_out)
    labels, notes = read_diagnoses(root / label_file)
    notes += left_out
    found = {name: scan.study for scan in scans for name in _names(scan)}
    notes += match(LabelNames(labels.index, f"rows of {label_file}"), found, request.max_unmatched, notes)
    scans = [replace(scan, labels=labels.reindex(_names(scan)).to_numpy(np.float32)) for scan in scans]
    if label_file == PICTURE_LABELS:
        scans, directions = foot_to_head(scans, request.workers, request.progress)
        notes += directions
    return Inventory(scans, notes, files, str(root))


def read_diagnoses(path: Path) -> tuple[pd.DataFrame, list[Note]]:
    """(the five labels, float32, index "patient number/slice number"; notes).

    Where No_Hemorrhage does not agree with the five, the five are right and the slice is warned of. Raises InputError
    naming bad lines.
    """
    rows = read_rows(path, [PATIENT, SLICE, *TYPES.values(), NONE], COLUMNS)
    patient, number = (
        whole_numbers(rows[key], f"a {key} that is no whole number", path, 0) for key in (PATIENT, SLICE)
    )
    values = binary_labels(rows[[*(TYPES[label] for label in LABELS), NONE]], path).set_axis([*LABELS, NONE], axis=1)
    names = patient.astype(str) + "/" + number.astype(str)
    table, notes = one_row_each(values.set_index(names), "a slice", path)
    wrong = table[NONE].eq(1) == table[LABELS].eq(1).any(axis=1)
    notes += [Note(WARNED, "no_hemorrhage_contradicts", item=name) for name in table.index[wrong]]
    return table[LABELS], notes


def _names(scan: Scan) -> list[str]:
    """What the CSV calls the slices of a scan."""
    numbers = [image.index + 1 if isinstance(image, Plane) else int(Path(image).stem) for image in scan.images]
    return [f"{scan.patient}/{number}" for number in numbers]


def _volume_scans(folder: Path, notes: list[Note]) -> list[Scan]:
    """One scan, unlabelled, for each volume that can be read."""
    scans = []
    for number, path in numbered_files(folder, VOLUME_NAME, notes):
        try:
            volume = read_volume(path)
        except Unusable as unusable:
            notes.append(Note(SKIPPED, unusable.reason, item=path))
            continue
        notes += [Note(WARNED, warning, str(number)) for warning in volume.warnings]
        spacing_mm, tilt = np.tile(volume.spacing_mm, (len(volume.planes), 1)), tilt_deg(volume.orientation)
        scans.append(_scan(number, volume.planes, read_plane, volume.position_mm, spacing_mm=spacing_mm, tilt_deg=tilt))
    return scans


def _picture_scans(folder: Path, notes: list[Note]) -> list[Scan]:
    """One scan, unlabelled, for each patient's folder with pictures; masks are passed over."""
    scans, read = [], partial(read_picture, window_hu=BRAIN_WINDOW_HU)
    for patient in sorted(path for path in folder.iterdir() if path.name.isdecimal()):
        if numbered := numbered_files(patient / BRAIN, PICTURE_NAME, notes):
            numbers, paths = zip(*numbered, strict=True)
            geometry = {"spacing_mm": np.ones((len(paths), 2)), "step_mm": THICKNESS_MM, "thickness_mm": THICKNESS_MM}
            scans.append(_scan(int(patient.name), paths, read, np.array(numbers) * THICKNESS_MM, **geometry))
    return scans


def _scan(number: int, images: tuple, read_slice: Callable, position_mm: np.ndarray, **geometry) -> Scan:
    """A scan without labels. number: of the patient, the same in both releases: "049" and "49" are 49."""
    name, labels = str(number), unlabelled(len(images))
    return Scan(name, name, images, read_slice, position_mm, labels=labels, **geometry)
