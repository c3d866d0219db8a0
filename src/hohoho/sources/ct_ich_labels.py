"""CT-ICH's table of diagnoses: one row a slice, the five types, and a column that says there is none."""

from pathlib import Path

import pandas as pd

from hohoho.labels import LABELS
from hohoho.scans.scan import WARNED, Note
from hohoho.sources.csv_rows import binary_labels, one_row_each, read_rows, whole_numbers

TYPES = {
    "ich": "Intraparenchymal",
    "ivh": "Intraventricular",
    "sah": "Subarachnoid",
    "sdh": "Subdural",
    "edh": "Epidural",
}
PATIENT, SLICE, NONE = "PatientNumber", "SliceNumber", "No_Hemorrhage"
NEEDED = f"Needed are {PATIENT}, {SLICE} (from 1), {', '.join(TYPES.values())} and {NONE}, each 0 or 1."


def read_diagnoses(path: Path) -> tuple[pd.DataFrame, list[Note]]:
    """(the five labels, float32, index "patient number/slice number"; notes).

    Where No_Hemorrhage does not agree with the five, the five are right and the slice is warned of. Raises InputError
    naming bad lines.
    """
    rows = read_rows(path, [PATIENT, SLICE, *TYPES.values(), NONE], NEEDED)
    patient, number = (
        whole_numbers(rows[key], f"a {key} that is no whole number", path, 0) for key in (PATIENT, SLICE)
    )
    values = binary_labels(rows[[*(TYPES[label] for label in LABELS), NONE]], path).set_axis([*LABELS, NONE], axis=1)
    names = patient.astype(str) + "/" + number.astype(str)
    table, notes = one_row_each(values.set_index(names), "a slice", path)
    wrong = table[NONE].eq(1) == table[LABELS].eq(1).any(axis=1)
    notes += [Note(WARNED, "no_hemorrhage_contradicts", item=name) for name in table.index[wrong]]
    return table[LABELS], notes
