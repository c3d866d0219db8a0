"""Stage ingest: any layout of head CT → ordered slices in one brain window, and a report of what was skipped."""

import os
from dataclasses import dataclass
from pathlib import Path

from hohoho.errors import InputError
from hohoho.files import write_csv, write_json
from hohoho.ingest.checkpoint import code_version
from hohoho.ingest.ingest import ingest
from hohoho.ingest.report import naming_studies
from hohoho.params import runtime, stage_params
from hohoho.phantom.tree import write_phantom_once
from hohoho.pseudonyms import PUBLIC_KEY, secret_key
from hohoho.scan import Inventory
from hohoho.sources import course, cq500, ct_ich, dicom_folder, rsna
from hohoho.stage.run import run_stage
from hohoho.workers import Workers, open_workers

SLICES, REPORT, REPORT_LINES = Path("data/slices"), Path("metrics/ingest.json"), Path("metrics/ingest_report.csv")
CHECKPOINTS = Path(".checkpoints/ingest")


@dataclass(frozen=True)
class Data:
    source: str
    root: str
    labels: str | None
    pseudonyms: str
    max_unmatched_labels: float


@dataclass(frozen=True)
class Phantom:
    patients: int
    size_px: int
    label_error_rate: float
    seed: int


@dataclass(frozen=True)
class Ingest:
    image_size: int
    window_center_hu: float
    window_width_hu: float
    assumed_rescale: list[float] | None
    preferred_kernel: str | None
    strict: bool


@dataclass(frozen=True)
class Params:
    data: Data
    phantom: Phantom
    ingest: Ingest


def main():
    params, run = stage_params(Params, "ingest"), runtime()
    key = PUBLIC_KEY if params.data.pseudonyms == "public" else secret_key()
    phantom, knobs = params.phantom, params.ingest
    if params.data.source == "phantom":
        request = (phantom.patients, phantom.seed, phantom.size_px, phantom.label_error_rate)
        root, processes = Path(params.data.root), {"workers": run.workers, "progress": run.progress}
        write_phantom_once(root, code_version(), *request, **processes)

    window = (knobs.window_center_hu, knobs.window_width_hu)
    with open_workers(run.dask or run.workers) as workers:
        with naming_studies(key):
            inventory = find(params.data, knobs, window, workers, run.progress)
        pictures = knobs.image_size, window, key
        report = ingest(inventory, SLICES, *pictures, workers, run.progress, CHECKPOINTS, knobs.strict)
    write_json(REPORT, report.counts)
    write_csv(REPORT_LINES, report.lines)


def data_path(given: str) -> Path:
    """The user's own path, absolute. A relative one starts at the repository, even where a queued or `--temp` run works
    in a copy of it; DVC_ROOT is the repository."""
    path = Path(os.environ.get("DVC_ROOT", ".")).absolute() / given
    if not path.exists():
        start = "" if Path(given).is_absolute() else f" (from {given}, relative to the repository)"
        raise InputError(f"{path}: no such file or folder{start}")
    return path


def find(data: Data, knobs: Ingest, window_hu: tuple[float, float], workers: Workers, progress: bool) -> Inventory:
    """The scans of the data set, by the reader of its layout."""
    root = data_path(data.root) if data.source != "phantom" else Path(data.root).absolute()
    rescale = tuple(knobs.assumed_rescale) if knobs.assumed_rescale else None
    match data.source:
        case "phantom" | "rsna":  # the phantom is an RSNA tree: one reader for both
            return rsna.find(root, data.max_unmatched_labels, rescale, workers, progress)
        case "course":
            return course.find(root, data.max_unmatched_labels, window_hu)
        case "cq500":
            kernel = knobs.preferred_kernel
            return cq500.find(root, data.max_unmatched_labels, rescale, kernel, workers, progress)
        case "ct_ich":
            return ct_ich.find(root, data.max_unmatched_labels)
        case "dicom":
            labels = data_path(data.labels) if data.labels else None
            kernel = knobs.preferred_kernel
            return dicom_folder.find(root, labels, data.max_unmatched_labels, rescale, kernel, workers, progress)
    raise InputError(f"data.source: {data.source} has no reader")


if __name__ == "__main__":
    run_stage(main)
