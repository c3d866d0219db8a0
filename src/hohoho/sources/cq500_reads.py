"""CQ500's reads.csv: what three radiologists said of each scan, and what most of them said."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from hohoho.scans.scan import WARNED, Note
from hohoho.sources.csv_rows import binary_labels, one_row_each, read_rows, refuse

READERS, MAJORITY = ("R1", "R2", "R3"), 2
ANY, TYPES = "ICH", {"ich": "IPH", "ivh": "IVH", "sah": "SAH", "sdh": "SDH", "edh": "EDH"}
STUDY_NAME = re.compile(r"CQ500[-_ ]?CT[-_ ]?0*(\d+)(?!\d)", re.IGNORECASE)
NEEDED = (
    "Needed is CQ500's own reads.csv: name (CQ500-CT-0), and R1:ICH, R1:IPH, R1:IVH, R1:SDH, R1:EDH, R1:SAH, likewise "
    "R2: and R3:, each 0 or 1, all six of a reader empty where one did not read the scan."
)


def study_name(text: str) -> str | None:
    """The name that reads.csv gives the study of a folder: "CQ500CT12 CQ500CT12" → "CQ500-CT-12"; None for others."""
    found = STUDY_NAME.match(text)
    return f"CQ500-CT-{found[1]}" if found else None


def read_majority(path: Path) -> tuple[pd.DataFrame, list[Note]]:
    """(any bleed and the five types of each scan by majority of the three readers, index study name; notes).

    float32, columns ANY and LABELS; NaN where it is unknown. Each column has its own majority, as in the paper
    (Chilamkurthy et al., Lancet 392, 2018). A reader who names a type has seen a bleed, whatever the own ICH says. A
    reader whose six cells are empty has not read the scan: what the missing votes could turn is unknown. So are all
    five types where most readers saw a bleed and no type has a majority. Raises InputError naming bad lines.
    """
    columns = {label: [f"{reader}:{name}" for reader in READERS] for label, name in {ANY: ANY, **TYPES}.items()}
    rows = read_rows(path, ["name", *sum(columns.values(), [])], NEEDED)
    names = rows["name"].str.strip().map(study_name)
    refuse(names.isna(), "a name that is not CQ500-CT-<number>", path)
    by_reader = [[of_readers[place] for of_readers in columns.values()] for place in range(len(READERS))]
    reads = [binary_labels(rows[cells], path, "reads that are not 0 or 1", may_be_empty=True) for cells in by_reader]
    reads, notes = one_row_each(pd.concat(reads, axis=1).set_index(names), "a scan", path)
    votes = np.stack([reads[cells].to_numpy() for cells in by_reader])  # (readers, scans, any and types)
    seen = np.max(votes, axis=2)
    contradicting, missing = seen != votes[:, :, 0], np.isnan(votes).any(axis=(0, 2))
    votes[:, :, 0] = seen
    yes, no = ((votes == vote).sum(axis=0) >= MAJORITY for vote in (1, 0))
    table = np.where(yes, 1, np.where(no, 0, np.nan)).astype(np.float32)
    untyped = yes[:, 0] & ~yes[:, 1:].any(axis=1)
    table[untyped, 1:] = np.nan
    warnings = {
        "read_missing": missing,
        "ich_contradicts_types": (contradicting & ~np.isnan(seen)).any(axis=0),
        "bleed_without_majority_type": untyped,
    }
    notes += [Note(WARNED, reason, study) for reason, scans in warnings.items() for study in reads.index[scans]]
    return pd.DataFrame(table, reads.index, list(columns)), notes
