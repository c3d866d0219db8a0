"""The phantom's tables: labels as RSNA writes them, planted errors included, and the truth beside them."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from hohoho.errors import InputError
from hohoho.files import write_csv
from hohoho.labels import LABELS, RSNA_SUBTYPES
from hohoho.phantom.label_errors import plant_errors
from hohoho.phantom.study import Study

IMAGES, TRUTH = "stage_2_train", "truth"
SLICE_COLUMNS = ("image_id", "patient_id", "study_uid", "slice_index", "position_mm", *LABELS)
SLICE_COLUMNS += (*(f"{label}_mm2" for label in LABELS), "spoilt")
ERROR_COLUMNS = ("image_id", "label", "true", "given", "kind")


class Rows(NamedTuple):
    """Rows of the slice table of some studies, and the true labels of each study, (Z, 5) bool."""

    slices: list[tuple]
    labels: list[np.ndarray]


def add_rows(rows: Rows, study: Study, image_ids: list[str], owner: tuple[str, str]) -> None:
    """Add a study. owner: patient id and study uid."""
    rows.labels.append(study.labels)
    positions = study.acquisition.positions_mm
    for index, image_id in enumerate(image_ids):
        truth, areas = study.labels[index].astype(int).tolist(), study.area_mm2[index].round(2).tolist()
        position = round(float(positions[index]), 3)
        rows.slices.append((image_id, *owner, index, position, *truth, *areas, study.spoilt[index]))


def write_tables(folder: Path, rows: list[Rows], rate: float, rng: np.random.Generator) -> None:
    """Write the label table as RSNA does, by image id, with `rate` errors a slice, and the truth in scan order."""
    slices = [row for part in rows for row in part.slices]
    ids = [row[0] for row in slices]
    if len(set(ids)) < len(ids):
        raise InputError("two images drew the same name: choose another seed")
    given, errors = plant_errors(rng, [labels for part in rows for labels in part.labels], rate)
    wrong = [
        (ids[row], LABELS[label], int(not given[row, label]), int(given[row, label]), kind)
        for row, label, kind in errors
    ]
    images = sorted(zip(ids, given.tolist(), strict=True))
    tables = {
        f"{IMAGES}.csv": (("ID", "Label"), [row for image in images for row in label_rows(*image)]),
        f"{TRUTH}/slices.csv": (SLICE_COLUMNS, slices),
        f"{TRUTH}/label_errors.csv": (ERROR_COLUMNS, wrong),
    }
    for name, (columns, lines) in tables.items():
        write_csv(folder / name, pd.DataFrame(lines, columns=columns))


def label_rows(image_id: str, given: list[bool]) -> list[tuple[str, int]]:
    """The six rows of one image: RSNA's five subtypes by alphabet, then any."""
    found = dict(zip(LABELS, given, strict=True))
    rows = [(f"{image_id}_{subtype}", int(found[label])) for subtype, label in sorted(RSNA_SUBTYPES.items())]
    return [*rows, (f"{image_id}_any", int(any(given)))]
