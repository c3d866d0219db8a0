"""CQ500's reads.csv: what three radiologists said of each scan, and what most of them said."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from hohoho.labels import LABELS
from hohoho.scans.scan import WARNED, Note
from hohoho.sources.csv_rows import binary_labels, one_row_each, read_rows, refuse

READERS, MAJORITY = ("R1", "R2", "R3"), 2
ANY, TYPES = "ICH", {"ich": "IPH", "ivh": "IVH", "sah": "SAH", "sdh": "SDH", "edh": "EDH"}
STUDY_NAME = re.compile(r"CQ500[-_ ]?CT[-_ ]?0*(\d+)(?!\d)", re.IGNORECASE)
NEEDED = (
    "Needed is CQ500's own reads.csv: name (CQ500-CT-0), and R1:ICH, R1:IPH, R1:IVH, R1:SDH, R1:EDH, R1:SAH, likewise "
    "R2: and R3:, each 0 or 1."
)


def study_name(text: str) -> str | None:
    """The name that reads.csv gives the study of a folder: "CQ500CT12 CQ500CT12" → "CQ500-CT-12"; None for others."""
    found = STUDY_NAME.match(text)
    return f"CQ500-CT-{found[1]}" if found else None


def read_majority(path: Path) -> tuple[pd.DataFrame, list[Note]]:
    """(the five labels of each scan by majority of the three readers, float32, index study name; notes).

    Each type has its own majority, as in the paper (Chilamkurthy et al., Lancet 392, 2018). Where most readers saw a
    bleed and no type has a majority, all five are 0 and the scan is warned of. Raises InputError naming bad lines.
    """
    columns = {label: [f"{reader}:{name}" for reader in READERS] for label, name in {**TYPES, ANY: ANY}.items()}
    cells = sum(columns.values(), [])
    rows = read_rows(path, ["name", *cells], NEEDED)
    names = rows["name"].str.strip().map(study_name)
    refuse(names.isna(), "a name that is not CQ500-CT-<number>", path)
    reads = binary_labels(rows[cells], path, "reads that are not 0 or 1")
    reads, notes = one_row_each(reads.set_index(names), "a scan", path)
    votes = {label: reads[of_readers].sum(axis=1) >= MAJORITY for label, of_readers in columns.items()}
    table = pd.DataFrame({label: votes[label] for label in LABELS}).astype(np.float32)
    untyped = table.index[votes[ANY] & ~table.any(axis=1)]
    return table, notes + [Note(WARNED, "bleed_without_majority_type", study) for study in untyped]
