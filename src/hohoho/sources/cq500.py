"""CQ500 (Qure.ai): one folder a study with several series, and three radiologists' reads of each scan as a whole."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from hohoho.dicom.header import SliceHeader
from hohoho.labels import LABELS, unlabelled
from hohoho.scans.assembly import build_scans
from hohoho.scans.headers import read_headers
from hohoho.scans.scan import SKIPPED, WARNED, Inventory, Note
from hohoho.sources.csv_rows import binary_labels, one_row_each, read_rows, refuse
from hohoho.sources.listing import list_files, require_layout
from hohoho.sources.matching import LabelNames, match
from hohoho.sources.request import Request

READS = "reads.csv"
CONTRAST = re.compile(r"(?<!PRE )(?<!NON )CONTRAST|CECT|ORAL IV|\bC\b", re.IGNORECASE)  # in a series' folder name
TABLES = {READS, "prediction_probabilities.csv"}
READERS, MAJORITY = ("R1", "R2", "R3"), 2
ANY, TYPES = "ICH", {"ich": "IPH", "ivh": "IVH", "sah": "SAH", "sdh": "SDH", "edh": "EDH"}
STUDY_NAME = re.compile(r"CQ500[-_ ]?CT[-_ ]?0*(\d+)(?!\d)", re.IGNORECASE)
READS_NEEDED = (
    "Needed is CQ500's own reads.csv: name (CQ500-CT-0), and R1:ICH, R1:IPH, R1:IVH, R1:SDH, R1:EDH, R1:SAH, likewise "
    "R2: and R3:, each 0 or 1, all six of a reader empty where one did not read the scan."
)


def find(request: Request) -> Inventory:
    """All scans below `root`, one a study folder ("CQ500CT12 CQ500CT12", at any depth), with the label of the scan.

    The folder's number is the scan, as in reads.csv: files of several Study Instance UIDs or Patient IDs in one folder
    are one study of one patient, and are warned of. Series whose folder is named for contrast agent, which is bright as
    blood, are skipped where the study has another. Raises InputError where layout, reads or the fraction of reads
    without a usable scan are not as needed.
    """
    root = Path(request.root)
    require_layout(root, (READS,), f"{READS} and 'CQ500CT0 CQ500CT0/…/*.dcm' …")
    labels, notes = read_majority(root / READS)
    paths, left_out = list_files(root)
    files = len(paths) + len(left_out)
    studies = {path: study_of(Path(path).relative_to(root)) for path in paths}
    outside = [path for path, study in studies.items() if not study and Path(path) not in {root / t for t in TABLES}]
    notes += left_out + [Note(SKIPPED, "in_no_study_folder", item=path) for path in outside]
    inside = [path for path in paths if studies[path]]
    headers, header_notes = read_headers(inside, request.workers, request.rescale, request.progress)
    notes += [note._replace(study=studies[note.item]) if note.study else note for note in header_notes]
    notes += _mixtures(headers, studies)
    headers = [header._replace(study_uid=studies[header.path], patient_id=studies[header.path]) for header in headers]
    headers, contrast_notes = _without_contrast(headers)
    scans, scan_notes = build_scans(headers, lambda slices: unlabelled(len(slices)), request.kernel)
    types, any_bleed = dict(zip(labels.index, labels[LABELS].to_numpy(), strict=True)), labels[ANY].to_dict()
    scans = [
        replace(scan, scan_labels=types[scan.study], scan_any=any_bleed[scan.study]) if scan.study in types else scan
        for scan in scans
    ]
    notes += contrast_notes + scan_notes
    rows, found = LabelNames(labels.index, f"scans in {READS}", "scan"), {scan.study: scan.study for scan in scans}
    return Inventory(scans, notes + match(rows, found, request.max_unmatched, notes), files, str(root))


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
    rows = read_rows(path, ["name", *sum(columns.values(), [])], READS_NEEDED)
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


def study_of(path: Path) -> str | None:
    """The study of the innermost folder of `path` that is named for one, None where there is none."""
    names = [study_name(folder) for folder in path.parts[:-1]]
    return next((name for name in reversed(names) if name), None)


def _mixtures(headers: list[SliceHeader], studies: dict[str, str | None]) -> list[Note]:
    """Warnings of folders whose files name several studies or several patients."""
    ids = [(studies[header.path], header.study_uid, header.patient_id) for header in headers]
    table = pd.DataFrame(ids, columns=["study", "several_study_uids", "several_patient_ids"])
    counts = table.groupby("study").nunique()
    return [Note(WARNED, reason, study) for reason in counts for study in counts.index[counts[reason] > 1]]


def _without_contrast(headers: list[SliceHeader]) -> tuple[list[SliceHeader], list[Note]]:
    """(headers of plain series, and of contrast series where a study has no other; one note for each of the rest)."""
    contrast = {header.path for header in headers if CONTRAST.search(Path(header.path).parent.name)}
    plain = {header.study_uid for header in headers if header.path not in contrast}
    kept = [header for header in headers if header.path not in contrast or header.study_uid not in plain]
    rest = [header for header in headers if header.path in contrast and header.study_uid in plain]
    return kept, [Note(SKIPPED, "contrast_series", header.study_uid, header.path) for header in rest]
