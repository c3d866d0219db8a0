"""CT-ICH's table of diagnoses: one row a slice, the five types, and a column that says there is none."""

from pathlib import Path

import pandas as pd

from hohoho.labels import LABELS
from hohoho.scans.scan import REPAIRED, WARNED, Note
from hohoho.sources.csv_rows import binary, read_rows, refuse, require_columns

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
    """(the five labels, float32, index (patient number, slice number); notes).

    Where No_Hemorrhage does not agree with the five, the five are right and the slice is warned of. Raises InputError
    naming bad lines.
    """
    rows = read_rows(path)
    require_columns(rows, [PATIENT, SLICE, *TYPES.values(), NONE], path, NEEDED)
    for column in (PATIENT, SLICE):
        refuse(~rows[column].str.fullmatch(r"\d{1,9}"), f"a {column} that is no whole number", path)
    values = binary(rows[[*(TYPES[label] for label in LABELS), NONE]])
    refuse(values.isna().any(axis=1), "labels not 0 or 1", path)
    index = pd.MultiIndex.from_arrays([rows[PATIENT].astype(int), rows[SLICE].astype(int)])
    table = values.set_axis([*LABELS, NONE], axis=1).set_index(index)
    repeats = table.reset_index().duplicated().to_numpy()
    refuse(table.index.duplicated() & ~repeats, "a slice named twice with different labels", path)
    wrong = table[NONE].eq(1) == table[LABELS].eq(1).any(axis=1)
    notes = [Note(REPAIRED, "label_row_twice", item=_name(key)) for key in table.index[repeats]]
    notes += [Note(WARNED, "no_hemorrhage_contradicts", item=_name(key)) for key in table.index[wrong & ~repeats]]
    return table.loc[~repeats, LABELS], notes


def _name(key):
    return f"{key[0]}/{key[1]}"
