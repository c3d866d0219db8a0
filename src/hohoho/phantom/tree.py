"""Writes the phantom as a data set laid out like RSNA 2019, with its truth beside it.

stage_2_train/ID_<9 hex>.dcm   all slices of all patients in one folder
stage_2_train.csv              ID,Label: six rows an image, planted label errors included
truth/slices.csv               image id, patient, study, position, true labels, areas, how it was spoilt
truth/label_errors.csv         image id, label, true, given, kind
truth/masks/<study uid>.npz    bleed masks (study_files.read_masks), on request
truth/made_of.json             seed, sizes and code of a phantom that is not to be written twice
"""

import json
import os
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from hohoho.errors import InputError
from hohoho.files import replace_folder
from hohoho.phantom.elsewhere import HERE, Elsewhere
from hohoho.phantom.population import image_id, patient_id, patient_of, studies_of
from hohoho.phantom.study_files import draw_series, write_masks, write_study
from hohoho.phantom.tables import IMAGES, TRUTH, truth_of, write_tables
from hohoho.workers import ordered_map

MASKS = f"{TRUTH}/masks"
SMALLEST_SIZE = 32


def write_phantom(
    out: Path,
    patients: int,
    seed: int,
    size: int = 128,
    label_error_rate: float = 0.01,
    workers: int = 1,
    progress: bool = False,
    masks: bool = False,
    place: Elsewhere = HERE,
) -> int:
    """Write the data set to `out`, replacing an older one at the end; returns the number of images.

    The same seed gives the same bytes whatever `workers` is. label_error_rate: planted errors a slice, on average over
    all patients. masks: whether to write them. place: where the heads are scanned.
    """
    check_request(out, patients, size, label_error_rate, workers)
    place.check()
    building = out.with_name(f".{out.name}.building-{os.getpid()}")
    shutil.rmtree(building, ignore_errors=True)
    try:
        for folder in (IMAGES, MASKS) if masks else (IMAGES, TRUTH):
            (building / folder).mkdir(parents=True)
        job = partial(write_patient, building, seed, size, place)
        done = ordered_map(job, range(patients), workers)
        studies = [study for of in tqdm(done, "phantom patients", patients, disable=not progress) for study in of]
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(patients,)))  # as of one patient more
        write_tables(building, studies, label_error_rate, rng)
        replace_folder(building, out)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return sum(map(len, studies))


def write_phantom_once(out: Path, code: str, *request, workers: int, progress: bool) -> None:
    """As `write_phantom`, unless `out` is this very phantom: so an ingest that was killed finds its files unchanged.

    code: version of the code. request: patients, seed, size, label_error_rate.
    """
    record, made_of = out / TRUTH / "made_of.json", json.dumps([code, *request])
    if record.exists() and record.read_text() == made_of:
        return
    write_phantom(out, *request, workers=workers, progress=progress)
    record.write_text(made_of)


def check_request(out: Path, patients: int, size: int, label_error_rate: float, workers: int) -> None:
    """Refuse what cannot be written, and a folder that is not an older phantom."""
    if patients < 1:
        raise InputError(f"patients is {patients}, at least 1 is needed")
    if size < SMALLEST_SIZE:
        raise InputError(f"size is {size} pixels, at least {SMALLEST_SIZE} are needed to show a head")
    if not 0 <= label_error_rate <= 1:
        raise InputError(f"label_error_rate is {label_error_rate}, it must lie between 0 and 1")
    if workers < 1:
        raise InputError(f"workers is {workers}, at least 1 is needed")
    if out.exists() and not (out / TRUTH / "slices.csv").exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: exists and is not a phantom (no {TRUTH}/slices.csv in it), so it is not replaced")


def write_patient(folder: Path, seed: int, size: int, place: Elsewhere, number: int) -> list[pd.DataFrame]:
    """Draw one patient and write the one or two studies; returns their tables."""
    tables, (patient, rng) = [], patient_of(seed, number)
    studies = studies_of(patient, rng, size, place)
    sex = str(rng.choice(["F", "M"]))
    for study_number, study in enumerate(studies):
        image_ids = [image_id(seed, number, study_number, index) for index in range(len(study.hu))]
        series = draw_series(rng, patient_id(seed, number), patient.head.age, sex, study.acquisition)
        series.ConvolutionKernel = place.kernel or series.ConvolutionKernel
        write_study(folder / IMAGES, study, image_ids, series, rng)
        if (folder / MASKS).is_dir():
            write_masks(folder / MASKS / f"{series.StudyInstanceUID}.npz", study.blood)
        tables.append(truth_of(study, image_ids, series.PatientID, str(series.StudyInstanceUID)))
    return tables
