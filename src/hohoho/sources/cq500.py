"""CQ500 (Qure.ai): one folder a study with several series, and three radiologists' reads of each scan as a whole."""

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd

from hohoho.dicom.header import SliceHeader
from hohoho.labels import LABELS, unlabelled
from hohoho.scans.assembly import build_scans
from hohoho.scans.headers import read_headers
from hohoho.scans.scan import SKIPPED, WARNED, Inventory, Note
from hohoho.sources.cq500_reads import ANY, read_majority, study_name
from hohoho.sources.listing import list_files, require_layout
from hohoho.sources.matching import LabelNames, match
from hohoho.sources.request import Request

READS = "reads.csv"
CONTRAST = re.compile(r"(?<!PRE )(?<!NON )CONTRAST|CECT|ORAL IV|\bC\b", re.IGNORECASE)  # in a series' folder name
TABLES = {READS, "prediction_probabilities.csv"}


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
