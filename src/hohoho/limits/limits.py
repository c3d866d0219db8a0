"""`hohoho limits`: draw heads, ask the models, and write what they find.

limits.csv        a line per class, factor, level and model: how many heads were found
limits_fits.csv   a line per class, factor and model: the curve, and what is found in 50 and in 95 % of heads
limits.png        the curves
limits.html       all of it to look at
"""

import math
import os
import shutil
import time
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from tqdm import tqdm

from hohoho.errors import InputError
from hohoho.figures.style import save
from hohoho.files import replace_folder, write_csv
from hohoho.labels import LABELS
from hohoho.limits.conditions import SEED, scans_needed
from hohoho.limits.detect import Seen, Task, look, models_here
from hohoho.limits.page import write_page
from hohoho.limits.picture import draw
from hohoho.limits.tables import Rules, analysed
from hohoho.machine import cores
from hohoho.phantom.tree import SMALLEST_SIZE
from hohoho.scores.bootstrap import Resampling
from hohoho.workers import ordered_map

LEVELS, FITS, PICTURE, PAGE = "limits.csv", "limits_fits.csv", "limits.png", "limits.html"
BLEED_FREE = 3  # heads without a bleed per head with one: they set the thresholds of all classes
RESAMPLES = 500
TITLE = "How small and how faint a bleed of the phantom is found"


class Request(NamedTuple):
    """What is asked for."""

    models: Path
    heads: int  # with a bleed of each class
    false_alarms: float
    size_px: int  # of the drawn slices
    workers: int  # processes; 0: one a core


def limits(request: Request, out: Path, force: bool = False) -> pd.DataFrame:
    """Fill the folder `out`; returns the curves. The same request gives the same tables, whatever the workers are.

    Raises InputError where there is nothing to ask, or `out` exists: with `force`, an older result is replaced.
    """
    check(request, out, force)
    trained_on = models_here(request.models).inputs["source"]
    tasks = tasks_of(request)
    workers = min(request.workers or cores(), len(tasks))
    minutes = expected_minutes(tasks[0], request, workers)
    print(
        f"{scans_of(request)} scans of {len(tasks)} heads, about {minutes:.0f} minutes on {workers} cores", flush=True
    )
    seen: list[Seen] = []
    for found in tqdm(ordered_map(look, tasks, workers), "heads", len(tasks), unit="head"):
        seen += found
    levels, fits = analysed(seen, Rules(request.false_alarms, Resampling(RESAMPLES, SEED)))
    write(out, levels, fits, trained_on)
    return fits


def check(request: Request, out: Path, force: bool) -> None:
    """Refuse what cannot be answered, and a folder that is not an older result."""
    if not 0 < request.false_alarms < 0.5:
        raise InputError(f"--false-alarms is {request.false_alarms:g}; give a share between 0 and 0.5, such as 0.05")
    fewest = math.ceil(1 / (BLEED_FREE * request.false_alarms) - 1e-9)
    if request.heads < fewest:
        raise InputError(
            f"--heads is {request.heads}: {BLEED_FREE} bleed-free heads for each one hold no threshold of "
            f"{request.false_alarms:g} false alarms; give at least {fewest}"
        )
    if request.workers < 0:
        raise InputError(f"--workers is {request.workers}; give a number of processes, or 0 for one a core")
    if request.size_px < SMALLEST_SIZE:
        raise InputError(f"--size is {request.size_px} pixels, at least {SMALLEST_SIZE} are needed to show a head")
    if out.exists() and not force:
        raise InputError(f"{out} exists: give another --out, or --force to replace an older result")
    if out.exists() and not (out / FITS).is_file():
        raise InputError(f"{out} holds no older result (no {FITS}), so it is not replaced: give another --out")


def tasks_of(request: Request) -> list[Task]:
    """Heads without a bleed, then those with one, other heads of the same seed."""
    bare = BLEED_FREE * request.heads
    who = [(number, None) for number in range(bare)]
    who += [(number, label) for number in range(bare, bare + request.heads) for label in LABELS]
    return [Task(request.models, SEED, number, label, request.size_px) for number, label in who]


def scans_of(request: Request) -> int:
    """How many scans the models look at."""
    return scans_needed(request.heads, BLEED_FREE * request.heads)


def expected_minutes(task: Task, request: Request, workers: int) -> float:
    """By what one task takes here and now, once all is loaded."""
    look(task)
    start = time.perf_counter()
    scans = len({(one.factor, one.level) for one in look(task)})
    return (time.perf_counter() - start) / scans * scans_of(request) / workers / 60


def write(out: Path, levels: pd.DataFrame, fits: pd.DataFrame, trained_on: str) -> None:
    """All files, or none: they take the place of `out` at the end."""
    building = out.with_name(f".{out.name}.building-{os.getpid()}")
    try:
        building.mkdir(parents=True)
        write_csv(building / LEVELS, levels)
        write_csv(building / FITS, fits)
        save(building / PICTURE, draw(levels, fits, TITLE))
        write_page(building / PAGE, levels, fits, trained_on)
        replace_folder(building, out)
    finally:
        shutil.rmtree(building, ignore_errors=True)
