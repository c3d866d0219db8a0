"""The phantom's tables: labels as RSNA writes them, planted errors included, and the truth beside them."""

from pathlib import Path

import numpy as np
import pandas as pd

from hohoho.errors import InputError
from hohoho.files import write_csv
from hohoho.labels import LABELS, RSNA_SUBTYPES
from hohoho.phantom.label_errors import plant_errors
from hohoho.phantom.study import Study

IMAGES, TRUTH = "stage_2_train", "truth"
ERROR_COLUMNS = ("image_id", "label", "true", "given", "kind")


def truth_of(study: Study, image_ids: list[str], patient_id: str, study_uid: str) -> pd.DataFrame:
    """The truth of each slice of a study, foot to head."""
    columns = {
        "image_id": image_ids,
        "patient_id": patient_id,
        "study_uid": study_uid,
        "slice_index": range(len(image_ids)),
        "position_mm": [round(position, 3) for position in study.acquisition.positions_mm.tolist()],
        **dict(zip(LABELS, study.labels.T.astype(int), strict=True)),
        **{f"{label}_mm2": area for label, area in zip(LABELS, study.area_mm2.T.round(2), strict=True)},
        "spoilt": study.spoilt,
    }
    return pd.DataFrame(columns)


def write_tables(folder: Path, studies: list[pd.DataFrame], rate: float, rng: np.random.Generator) -> None:
    """Write the label table as RSNA does, by image id, with `rate` errors a slice, and the truth in scan order."""
    slices = pd.concat(studies)
    ids = slices["image_id"].tolist()
    if len(set(ids)) < len(ids):
        raise InputError("two images drew the same name: choose another seed")
    given, errors = plant_errors(rng, [study[LABELS].to_numpy(bool) for study in studies], rate)
    wrong = [
        (ids[row], LABELS[label], int(not given[row, label]), int(given[row, label]), kind)
        for row, label, kind in errors
    ]
    write_csv(folder / f"{IMAGES}.csv", label_rows(ids, given))
    write_csv(folder / TRUTH / "slices.csv", slices)
    write_csv(folder / TRUTH / "label_errors.csv", pd.DataFrame(wrong, columns=ERROR_COLUMNS))


def label_rows(ids: list[str], given: np.ndarray) -> pd.DataFrame:
    """The six rows of each image, by its id: RSNA's five subtypes by alphabet, then any. given: (n, 5) bool."""
    names = {label: subtype for subtype, label in RSNA_SUBTYPES.items()}
    labels = pd.DataFrame(given.astype(int), ids, LABELS).rename(columns=names).sort_index().sort_index(axis=1)
    rows = labels.assign(any=labels.max(axis=1)).stack()
    return pd.DataFrame({"ID": ["_".join(place) for place in rows.index], "Label": rows.to_numpy()})
