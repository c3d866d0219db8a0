"""A folder of DICOM files → the scans to answer, one a study, each with what ingest would say of it."""

import re
from pathlib import Path
from typing import NamedTuple

from hohoho.errors import InputError
from hohoho.labels import unlabelled
from hohoho.scans.assembly import Study, build_studies, choose, scan_of
from hohoho.scans.scan import Note, Scan
from hohoho.scans.verdict import Verdict, verdict
from hohoho.sources.dicom_folder import read_folder
from hohoho.sources.request import Request


class NewScan(NamedTuple):
    """One study of the folder."""

    number: str  # "2", by UID, as `hohoho check` numbers the same folder
    uid: str  # of the study, as it is
    scan: Scan | None  # None where the study is refused or has no usable series
    series: dict  # number of the series that is taken, why it was, and why each other was left
    notes: list[Note]  # before its pixels are read

    @property
    def verdict(self) -> Verdict:
        """What can be said before its pixels are read."""
        return verdict(self.notes, self.scan is not None)


def new_scans(folder: Path, wanted_series: str | None = None) -> list[NewScan]:
    """All studies below `folder`, by UID; only the one that has it where the UID of a series is wanted.

    wanted_series: UID, or number as `hohoho check` lists it. Raises InputError where there is no such series, and where
    no file is a slice.
    """
    read = read_folder(Request(folder))
    studies = list(enumerate(build_studies(read.headers), 1))
    if not studies:
        skipped = str(verdict(read.notes, is_taken=False)) if read.files else "it is empty"
        raise InputError(f"{folder}: no usable CT slice in {read.files} files ({skipped})")
    if wanted_series is not None:
        studies = _with_series(studies, wanted_series)
    return [_new_scan(number, study, read.notes, len(studies) == 1) for number, study in studies]


def _with_series(studies, wanted):
    """The one study that is meant, with that series taken. wanted: UID, "2" where there is one study, or "1.2"."""
    series = wanted
    if re.fullmatch(r"\d+\.\d+", wanted):
        number, series = wanted.split(".")
        matching = [(n, study) for n, study in studies if f"{n}" == number]
    elif wanted.isdigit():
        matching = studies
    else:
        matching = [(n, study) for n, study in studies if any(wanted == each.series_uid for each in study.series)]
    if len(matching) != 1:
        raise InputError(
            f"--series {wanted}: no such series in {len(studies)} studies; give its UID, or its number as `hohoho "
            "check` lists it, such as 1.2"
        )
    return [(number, choose(study, series)) for number, study in matching]


def _new_scan(number: int, study: Study, folder_notes: list[Note], is_alone: bool) -> NewScan:
    """is_alone: notes on files that belong to no known study are taken to be about this one."""
    notes = [note for note in folder_notes if note.study == study.uid or is_alone and note.study is None] + study.notes
    reasons = {f"{place}": reason for place, reason in enumerate(study.reasons, 1)}
    taken = next((place for place, reason in reasons.items() if reason is None), None)
    left = {place: reason for place, reason in reasons.items() if reason}
    scan = scan_of(study, study.taken, unlabelled(len(study.taken.headers))) if study.taken else None
    series = {"taken": taken, "why": study.why if taken else None, "left": left}
    return NewScan(f"{number}", study.uid, scan, series, notes)
