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
    """Table rows of some studies; given: per image its id and the five labels as written to the CSV."""

    slices: list[tuple]
    errors: list[tuple]
    given: list[tuple[str, list[bool]]]


def add_rows(
    rows: Rows,
    study: Study,
    image_ids: list[str],
    owner: tuple[str, str],
    rate: float,
    rng: np.random.Generator,
) -> None:
    """Add a study's rows, its labels with planted errors. owner: patient id and study uid."""
    given, errors = plant_errors(rng, study.labels, rate)
    positions = study.acquisition.positions_mm
    for index, image_id in enumerate(image_ids):
        truth, areas = study.labels[index].astype(int).tolist(), study.area_mm2[index].round(2).tolist()
        position = round(float(positions[index]), 3)
        rows.slices.append((image_id, *owner, index, position, *truth, *areas, study.spoilt[index]))
        rows.given.append((image_id, given[index].tolist()))
    for index, label, kind in sorted(errors):
        truth = int(study.labels[index, label])
        rows.errors.append((image_ids[index], LABELS[label], truth, 1 - truth, kind))


def write_tables(folder: Path, rows: list[Rows]) -> None:
    """Write the label table as RSNA does, by image id, and the truth in scan order."""
    given = sorted(image for part in rows for image in part.given)
    ids = [image_id for image_id, _ in given]
    if len(set(ids)) < len(ids):
        raise InputError("two images drew the same name: choose another seed")
    tables = {
        f"{IMAGES}.csv": (("ID", "Label"), [row for image in given for row in label_rows(*image)]),
        f"{TRUTH}/slices.csv": (SLICE_COLUMNS, [row for part in rows for row in part.slices]),
        f"{TRUTH}/label_errors.csv": (ERROR_COLUMNS, [row for part in rows for row in part.errors]),
    }
    for name, (columns, lines) in tables.items():
        write_csv(folder / name, pd.DataFrame(lines, columns=columns))


def label_rows(image_id: str, given: list[bool]) -> list[tuple[str, int]]:
    """The six rows of one image: RSNA's five subtypes by alphabet, then any."""
    found = dict(zip(LABELS, given, strict=True))
    rows = [(f"{image_id}_{subtype}", int(found[label])) for subtype, label in sorted(RSNA_SUBTYPES.items())]
    return [*rows, (f"{image_id}_any", int(any(given)))]
