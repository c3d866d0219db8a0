"""Headers of DICOM slices → studies: all series of each, and the one that is taken as its scan."""

from collections import Counter
from collections.abc import Callable
from itertools import groupby
from typing import NamedTuple

import numpy as np

from hohoho.dicom.header import SliceHeader
from hohoho.dicom.reader import read_slice
from hohoho.errors import InputError
from hohoho.scans.choice import criteria
from hohoho.scans.geometry import thickness_mm, tilt_deg
from hohoho.scans.scan import REFUSED, SKIPPED, Note, Scan
from hohoho.scans.series import COPY, Series, series_of, skips, unusable

OTHER = "other_series: the one taken "


class Study(NamedTuple):
    """All images of one study, sorted into series."""

    uid: str
    patient: str
    series: list[Series]  # in the order of the choice, then those that are unusable
    reasons: list[str | None]  # why each series is left; None: it is taken
    refusal: tuple[Note, ...] = ()  # why the study is refused as a whole

    @property
    def taken(self) -> Series | None:
        """The series that stands for the study; None where none can."""
        return self.series[self.reasons.index(None)] if None in self.reasons else None

    @property
    def notes(self) -> list[Note]:
        """All that is to be said of it: of the series that is taken, and what is left out."""
        if self.refusal:
            return list(self.refusal)
        left = [series for series in self.series if series is not self.taken]
        notes = [note for series in left for note in series.notes if note.action == SKIPPED or note.reason == COPY]
        notes += [note for series in left if not series.unusable for note in skips(series.headers, "other_series")]
        return notes + (self.taken.notes if self.taken else [])

    @property
    def why(self) -> str:
        """Why its series is taken, against the second best: "has …", "was asked for" or "is the only one"."""
        others = [reason for reason in self.reasons if reason and reason.startswith(OTHER)]
        return others[0].removeprefix(OTHER) if others else "is the only one"


def build_scans(
    headers: list[SliceHeader], labels_of: Callable, preferred_kernel: str | None = None
) -> tuple[list[Scan], list[Note]]:
    """(scans, notes): at most one scan a study, from headers in any order.

    labels_of(headers) -> (Z, 5) float32, NaN where unlabelled.
    """
    studies = build_studies(headers, preferred_kernel)
    scans = [scan_of(study, study.taken, labels_of(study.taken.headers)) for study in studies if study.taken]
    return scans, [note for study in studies for note in study.notes]


def build_studies(headers: list[SliceHeader], preferred_kernel: str | None = None) -> list[Study]:
    """All studies, by UID. One of two patients, or with two images of one UID, is refused by itself."""
    headers = sorted(headers, key=lambda header: (header.study_uid, header.series_uid, header.sop_uid, header.frame))
    images = Counter((header.sop_uid, header.frame) for header in headers)
    studies = []
    for uid, group in groupby(headers, key=lambda header: header.study_uid):
        group = list(group)
        parts = [list(part) for _, part in groupby(group, key=lambda header: header.series_uid)]
        patients = {header.patient_id for header in group} - {uid}  # the study UID stands in for an empty Patient ID
        repeated = [header for header in group if images[header.sop_uid, header.frame] > 1]
        if len(patients) > 1:
            studies.append(_refused(uid, parts, "two_patients_in_study", group))
        elif repeated:
            studies.append(_refused(uid, parts, "one_uid_two_images", repeated))
        else:
            studies.append(_in_order_of_choice(uid, min(patients, default=uid), parts, preferred_kernel))
    return studies


def choose(study: Study, wanted: str) -> Study:
    """The study with another series taken: by its UID, or by its number in the order of the choice, from 1.

    Raises InputError where there is none, or no usable one.
    """
    places = [i for i, series in enumerate(study.series) if wanted in (f"{i + 1}", series.series_uid)]
    if not places:
        raise InputError(f"there is no series {wanted}, but 1 to {len(study.series)}: `hohoho check` lists them")
    if reason := study.series[places[0]].unusable or study.refusal and study.refusal[0].reason:
        raise InputError(f"series {wanted} is no scan that can be used: {reason.replace('_', ' ')}")
    reasons = [series.unusable or f"{OTHER}was asked for" for series in study.series]
    reasons[places[0]] = None
    return study._replace(reasons=reasons)


def scan_of(study: Study, series: Series, labels: np.ndarray) -> Scan:
    """The Scan of one series of a study. labels: (Z, 5) float32, NaN where unlabelled."""
    headers = series.headers
    first = headers[0]
    return Scan(
        patient=study.patient,
        study=study.uid,
        images=tuple(headers),
        read_slice=read_slice,
        position_mm=series.position_mm,
        spacing_mm=np.array([header.spacing_mm for header in headers]),
        labels=labels,
        step_mm=series.step_mm,
        tilt_deg=tilt_deg(first.orientation),
        thickness_mm=thickness_mm(headers),
        kernel=Counter(header.kernel for header in headers).most_common(1)[0][0],
        manufacturer=first.manufacturer,
        age_band=first.age_band,
        sex=first.sex,
    )


def _refused(uid, parts, reason, doubtful):
    notes = tuple(Note(REFUSED, reason, uid, header.path) for header in doubtful)
    return Study(uid, uid, [unusable(part, reason) for part in parts], [reason] * len(parts), notes)


def _in_order_of_choice(uid, patient, parts, preferred_kernel):
    series = [each for part in parts for each in series_of(part)]
    usable = [each for each in series if not each.unusable]
    ranked = [(criteria(each, usable, preferred_kernel), each) for each in usable]
    ranked.sort(key=lambda pair: [criterion.rank for criterion in pair[0]])
    reasons = [None] * bool(ranked)
    for theirs, _ in ranked[1:]:
        decisive = next(ours for ours, their in zip(ranked[0][0], theirs, strict=True) if ours.rank != their.rank)
        reasons.append(f"{OTHER}has {decisive.advantage}")
    left = [each for each in series if each.unusable]
    return Study(uid, patient, [each for _, each in ranked] + left, reasons + [each.unusable for each in left])
