"""Every series of a tree, those that ingest takes and those that it leaves, each with the reason."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hohoho.labels import unlabelled
from hohoho.scans.assembly import Study, scan_of
from hohoho.scans.geometry import gap_range_mm
from hohoho.scans.pixels import ReadSlices, read_scan
from hohoho.scans.scan import REPAIRED, WARNED, Note, Scan

PICTURE_SIZE, BRAIN_WINDOW_HU = 128, (40, 80)  # only to tell which pictures are too empty to name a patient


class SeriesReport(NamedTuple):
    """One series of a study as a scan of its own, whether ingest takes it or not."""

    study: str  # running number, "2"
    series: str  # running number in its study, "2.1"
    scan: Scan
    reason: str | None  # why ingest leaves it, None where it takes it
    notes: list[Note]  # on its order and thickness


def series_reports(studies: list[Study]) -> list[SeriesReport]:
    """All series of all studies: studies in the order of their UIDs, series in the order of the choice."""
    reports = []
    for number, study in enumerate(studies, 1):
        for place, (series, reason) in enumerate(zip(study.series, study.reasons, strict=True), 1):
            notes = [note for note in series.notes if note.item is None]
            reason = reason and reason.replace("the one taken", f"{number}.1")
            scan = scan_of(study, series, unlabelled(len(series.headers)))
            reports.append(SeriesReport(f"{number}", f"{number}.{place}", scan, reason, notes))
    return reports


def read_pixels(scan: Scan) -> tuple[ReadSlices, dict[tuple[str, int], tuple[int, int]]]:
    """(what ingest would read of a scan, lowest and highest HU by image)."""
    ranges = {}

    def watched(header):
        hu, repairs = scan.read_slice(header)
        ranges[header.image] = int(hu.min()), int(hu.max())
        return hu, repairs

    slices, _ = read_scan(replace(scan, read_slice=watched), PICTURE_SIZE, *BRAIN_WINDOW_HU)
    return slices, ranges


def entry(series: SeriesReport, pixels: tuple[ReadSlices, dict], root: Path) -> dict:
    """One series as the report tells it, from those of its slices whose pixels can be read. pixels: as read."""
    scan, (slices, ranges) = series.scan, pixels
    headers = [scan.images[i] for i in slices.kept]
    reason = series.reason or (None if headers else "no_usable_pixels")
    first = headers[0].pixels if headers else None
    ends = np.array([ranges[header.image] for header in headers])
    said = [(note.action, note.reason) for note in [*series.notes, *slices.notes]]
    said += [(WARNED, warning) for header in headers for warning in header.warnings]
    said += [(REPAIRED, repair) for header in headers for repair in header.repairs]
    return {
        "study": series.study,
        "series": series.series,
        "kept": reason is None,
        "reason": reason,
        "n_slices": len(headers),
        "files": [relative(header.path, root) for header in headers],
        "gap_mm": {name: _number(gap) for name, gap in gap_range_mm(scan.position_mm[slices.kept]).items()},
        "missing_below": np.flatnonzero(scan.missing_below(slices.kept)).tolist(),
        "tilt_deg": _number(scan.tilt_deg),
        "thickness_mm": _number(scan.thickness_mm),
        "kernel": scan.kernel,
        "rows": first and first.rows,
        "cols": first and first.columns,
        "hu": {"min": int(ends.min()), "max": int(ends.max())} if headers else None,
        "warnings": list(dict.fromkeys(what for action, what in said if action == WARNED)),
        "repairs": list(dict.fromkeys(what for action, what in said if action == REPAIRED)),
    }


def relative(path: str, root: Path) -> str:
    """The name of a file in the report."""
    return Path(path).relative_to(root).as_posix()


def _number(value):
    return round(float(value), 3) if np.isfinite(value) else None
