"""Every series of a tree, those that ingest takes and those that it leaves, each with the reason."""

from typing import NamedTuple

from hohoho.labels import unlabelled
from hohoho.scans.assembly import Study, scan_of
from hohoho.scans.scan import REPAIRED, WARNED, Scan


class SeriesReport(NamedTuple):
    """One series of a study as a scan of its own, whether ingest takes it or not."""

    study: str  # running number, "2"
    series: str  # running number in its study, "2.1"
    scan: Scan
    reason: str | None  # why ingest leaves it, None where it takes it
    repairs: list[str]  # of its order
    warnings: list[str]  # of its order and thickness


def series_reports(studies: list[Study]) -> list[SeriesReport]:
    """All series of all studies: studies in the order of their UIDs, series in the order of the choice."""
    reports = []
    for number, study in enumerate(studies, 1):
        for place, (series, reason) in enumerate(zip(study.series, study.reasons, strict=True), 1):
            repairs = [note.reason for note in series.notes if note.action == REPAIRED and note.item is None]
            warnings = [note.reason for note in series.notes if note.action == WARNED]
            reason = reason and reason.replace("the one taken", f"{number}.1")
            scan = scan_of(study, series, unlabelled(len(series.headers)))
            reports.append(SeriesReport(f"{number}", f"{number}.{place}", scan, reason, repairs, warnings))
    return reports
