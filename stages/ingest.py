"""Stage ingest: any layout of head CT → ordered slices in one brain window, and a report of what was skipped."""

import os
from pathlib import Path

from hohoho.errors import InputError
from hohoho.files import write_csv, write_json
from hohoho.ingest.checkpoint import code_version
from hohoho.ingest.ingest import ingest
from hohoho.params import runtime, stage_params
from hohoho.phantom.tree import write_phantom_once
from hohoho.pseudonyms import PUBLIC_KEY, secret_key
from hohoho.slices.store import write_store_settings
from hohoho.sources.readers import READERS
from hohoho.sources.request import Request
from hohoho.stage.run import run_stage
from hohoho.workers import open_workers

SLICES, REPORT, REPORT_LINES = Path("data/slices"), Path("metrics/ingest.json"), Path("metrics/ingest_report.csv")
CHECKPOINTS = Path(".checkpoints/ingest")


def main():
    params, run = stage_params("ingest"), runtime()
    data, phantom, settings = params.data, params.phantom, params.ingest
    key = PUBLIC_KEY if data.pseudonyms == "public" else secret_key()
    if data.source == "phantom":
        heads = (phantom.patients, phantom.seed, phantom.size_px, phantom.label_error_rate)
        write_phantom_once(Path(data.root), code_version(), *heads, workers=run.workers, progress=run.progress)

    window = (settings.window_center_hu, settings.window_width_hu)
    with open_workers(run.dask or run.workers) as workers:
        request = Request(
            root=Path(data.root).absolute() if data.source == "phantom" else data_path(data.root),
            labels=data_path(data.labels) if data.labels else None,
            max_unmatched=data.max_unmatched_labels,
            rescale=tuple(settings.assumed_rescale) if settings.assumed_rescale else None,
            kernel=settings.preferred_kernel,
            window_hu=window,
            workers=workers,
            progress=run.progress,
        )
        inventory = READERS[data.source](request)
        pictures = settings.image_size, window, key
        report = ingest(inventory, SLICES, *pictures, workers, run.progress, CHECKPOINTS, settings.strict)
    write_store_settings(SLICES, data.source, settings.image_size, *window)
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


if __name__ == "__main__":
    run_stage(main)
