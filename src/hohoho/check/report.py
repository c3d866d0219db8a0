"""What ingest would make of a folder of DICOM files, and why. All of it is read, nothing is written."""

from collections import defaultdict
from pathlib import Path

from tqdm import tqdm

from hohoho.check.series import entry, read_pixels, relative, series_reports
from hohoho.scans.assembly import build_studies
from hohoho.scans.scan import REFUSED, REPAIRED, SKIPPED, WARNED, Note
from hohoho.scans.verdict import verdicts
from hohoho.sources.dicom_folder import read_folder
from hohoho.sources.request import Request
from hohoho.workers import open_workers, ordered_map

ALL_USABLE, SOME_USABLE, NOTHING_USABLE = 0, 1, 2  # exit codes
COPIES = ("same_file_twice", "same_slice_twice")


def check(
    root: Path,
    assumed_rescale: tuple[float, float] | None = None,
    preferred_kernel: str | None = None,
    workers: int = 1,
    progress: bool = False,
) -> dict:
    """The report on all files below `root`, ready for JSON; the order in which folders list their files is irrelevant.

    files: count. series: a dict each; `files` and `missing_below` (indices of slices below which one is missing) run
    foot to head. studies: verdict, reasons, the series that is taken and why. skipped,
    copies, refused: {file, reason}; every file is in a kept series or one of these. Files are named relative to
    `root`. Raises InputError where `root` is no folder, and MissingCodec.
    """
    root = Path(root)
    with open_workers(workers) as pool:
        folder = read_folder(Request(root, rescale=assumed_rescale, workers=pool, progress=progress))
        studies = build_studies(folder.headers, preferred_kernel)
        found = series_reports(studies)
        pixels = ordered_map(read_pixels, [series.scan for series in found], pool)
        pixels = list(tqdm(pixels, "pixels", len(found), disable=not progress, unit="series"))
    notes = folder.notes + [note for study in studies for note in study.notes]
    return _report(studies, found, pixels, notes, folder.files, root)


def exit_code(report: dict) -> int:
    """0: everything can be used. 1: usable, with files skipped or refused, or warnings. 2: nothing can be used."""
    kept = [series for series in report["series"] if series["kept"]]
    if not kept:
        return NOTHING_USABLE
    is_less = report["skipped"] or report["refused"] or any(series["warnings"] for series in kept)
    return SOME_USABLE if is_less else ALL_USABLE


def _report(studies, found, pixels, notes, files, root):
    shared = _shared_hashes(found, pixels)
    series = [entry(*each, root) for each in zip(found, pixels, strict=True)]
    for each, told, (slices, _) in zip(found, series, pixels, strict=True):
        if each.reason is None:
            images = [image.path for image in each.scan.images]
            notes += [
                note._replace(item=images[note.index]) if note.action == SKIPPED else note for note in slices.notes
            ]
            if not shared.isdisjoint(slices.hashes):
                told["warnings"].append("same_pixels_as_another_patient")
                notes.append(Note(WARNED, "same_pixels_as_another_patient", each.scan.study))
    kept = {entry["study"]: entry for entry in series if entry["kept"]}
    said = verdicts(notes, [study.uid for number, study in enumerate(studies, 1) if f"{number}" in kept])
    return {
        "files": files,
        "studies": [_study(f"{number}", study, said[study.uid], kept) for number, study in enumerate(studies, 1)],
        "series": series,
        "skipped": _listed(notes, root, lambda note: note.action == SKIPPED),
        "copies": _listed(notes, root, lambda note: note.action == REPAIRED and note.reason in COPIES),
        "refused": _listed(notes, root, lambda note: note.action == REFUSED),
    }


def _study(number, study, verdict, kept):
    return {
        "study": number,
        "verdict": verdict.word,
        "reasons": verdict.reasons,
        "series": kept[number]["series"] if number in kept else None,
        "why": study.why if number in kept else None,
    }


def _shared_hashes(found, pixels):
    """Pixel hashes that kept series of two patients share: one person, anonymised twice."""
    patients = defaultdict(set)
    for series, (result, _) in zip(found, pixels, strict=True):
        for pixel_hash in result.hashes if series.reason is None else ():
            patients[pixel_hash].add(series.scan.patient)
    return {pixel_hash for pixel_hash, names in patients.items() if pixel_hash and len(names) > 1}


def _listed(notes, root, wanted):
    files = sorted((relative(note.item, root), note.reason) for note in notes if wanted(note))
    return [{"file": file, "reason": reason} for file, reason in files]
