"""CQ500 (Qure.ai): one folder a study with several series, and three radiologists' reads of each scan as a whole."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from hohoho.dicom.header import SliceHeader
from hohoho.errors import InputError
from hohoho.labels import LABELS
from hohoho.scans.assembly import build_scans
from hohoho.scans.headers import read_headers
from hohoho.scans.scan import SKIPPED, WARNED, Inventory, Note, Scan
from hohoho.sources.cq500_reads import read_majority, study_name
from hohoho.sources.dicom_folder import list_files
from hohoho.workers import Workers

READS = "reads.csv"
CONTRAST = re.compile(
    r"(?<!PRE )(?<!NON )CONTRAST|CECT|ORAL IV|\bC\b", re.IGNORECASE
)  # in the name of a series' folder
OTHER_TABLES = {READS, "prediction_probabilities.csv"}


def find(
    root: Path,
    max_unmatched_labels: float,
    assumed_rescale: tuple[float, float] | None = None,
    preferred_kernel: str | None = None,
    workers: Workers = 1,
    progress: bool = False,
) -> Inventory:
    """All scans below `root`, one a study folder ("CQ500CT12 CQ500CT12", at any depth), with the label of the scan.

    The folder's number is the scan, as in reads.csv: files of several Study Instance UIDs or Patient IDs in one folder
    are one study of one patient, and are warned of. Series whose folder is named for contrast agent, which is bright as
    blood, are skipped where the study has another.

    max_unmatched_labels: fraction of the reads that may lack a usable scan. preferred_kernel: part of the name of the
    kernel to take among a study's series. Raises InputError where layout, reads or that fraction are not as needed.
    """
    root = Path(root)
    if not (root / READS).is_file():
        raise InputError(f"{root / READS} does not exist: data.root needs {READS} and 'CQ500CT0 CQ500CT0/…/*.dcm' …")
    labels, notes = read_majority(root / READS)
    paths, hidden = list_files(root)
    studies = {path: study_of(Path(path).relative_to(root)) for path in paths}
    notes += hidden + _outside(root, studies)
    inside = [path for path in paths if studies[path]]
    headers, header_notes = read_headers(inside, workers, assumed_rescale, progress)
    notes += [note._replace(study=studies[note.item]) if note.study else note for note in header_notes]
    notes += _mixtures(headers, studies)
    headers, contrast_notes = _without_contrast([_of_its_folder(header, studies) for header in headers])
    scans, scan_notes = build_scans(headers, _unlabelled, preferred_kernel)
    notes += contrast_notes + scan_notes
    scans = [replace(scan, scan_labels=_label_of(labels, scan)) for scan in scans]
    return Inventory(scans, notes + _match(labels, scans, max_unmatched_labels), len(paths) + len(hidden), str(root))


def study_of(path: Path) -> str | None:
    """The study of the innermost folder of `path` that is named for one, None where there is none."""
    names = [study_name(folder) for folder in path.parts[:-1]]
    return next((name for name in reversed(names) if name), None)


def _outside(root: Path, studies: dict[str, str | None]) -> list[Note]:
    tables = {str(root / name) for name in OTHER_TABLES}
    outside = [path for path, study in studies.items() if study is None and path not in tables]
    return [Note(SKIPPED, "in_no_study_folder", item=path) for path in outside]


def _mixtures(headers: list[SliceHeader], studies: dict[str, str | None]) -> list[Note]:
    """Warnings of folders whose files name several studies or several patients."""
    ids = [(studies[header.path], header.study_uid, header.patient_id) for header in headers]
    table = pd.DataFrame(ids, columns=["study", "several_study_uids", "several_patient_ids"])
    counts = table.groupby("study").nunique()
    return [Note(WARNED, reason, study) for reason in counts for study in counts.index[counts[reason] > 1]]


def _of_its_folder(header: SliceHeader, studies: dict[str, str | None]) -> SliceHeader:
    return header._replace(study_uid=studies[header.path], patient_id=studies[header.path])


def _without_contrast(headers: list[SliceHeader]) -> tuple[list[SliceHeader], list[Note]]:
    """(headers of plain series, and of contrast series where a study has no other; one note for each of the rest)."""
    shown = [bool(CONTRAST.search(Path(header.path).parent.name)) for header in headers]
    plain = {header.study_uid for header, contrast in zip(headers, shown, strict=True) if not contrast}
    dropped = [contrast and header.study_uid in plain for header, contrast in zip(headers, shown, strict=True)]
    kept = [header for header, drop in zip(headers, dropped, strict=True) if not drop]
    rest = [header for header, drop in zip(headers, dropped, strict=True) if drop]
    return kept, [Note(SKIPPED, "contrast_series", header.study_uid, header.path) for header in rest]


def _unlabelled(headers: list[SliceHeader]) -> np.ndarray:
    return np.full((len(headers), len(LABELS)), np.nan, np.float32)


def _label_of(labels: pd.DataFrame, scan: Scan) -> np.ndarray | None:
    return labels.loc[scan.study].to_numpy(np.float32) if scan.study in labels.index else None


def _match(labels: pd.DataFrame, scans: list[Scan], max_unmatched: float) -> list[Note]:
    """Notes on reads without a usable scan and scans without reads; InputError above the accepted fraction."""
    found = pd.Index([scan.study for scan in scans], dtype="str")
    missing = labels.index.difference(found)
    if len(missing) > max_unmatched * len(labels):
        raise InputError(
            f"{len(missing)} of {len(labels)} scans in {READS} have no folder with a usable series, more than the "
            f"accepted fraction {max_unmatched}; the first is {missing[0]}. Complete the download, or raise "
            "data.max_unmatched_labels for a partial copy."
        )
    return [Note(WARNED, "label_without_scan", item=study) for study in missing] + [
        Note(WARNED, "scan_without_label", study) for study in found.difference(labels.index)
    ]
