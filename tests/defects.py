"""Defects of head CT as tests tell them: a good study, what makes it bad, and what the ingest is to say of it."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from ct_files import KEY, SIDE, WINDOW_HU, ct_study, save_all, set_pixels
from inventories import find

from hohoho.ingest.ingest import ingest
from hohoho.slices.store import read_slice_table, read_study_table

SLICES, TOP = 5, -1  # of a good study; the topmost slice leaves no gap where it is lost


class Defect(NamedTuple):
    number: int
    make: Callable  # (images, folder): spoils the images, which are written then, or writes files itself
    action: str | None  # None: nothing to say
    reason: str | None
    slices: int  # that are stored
    options: dict  # of `find`

    def __str__(self):
        return f"{self.number:02d} {self.make.__name__}: {self.action} {self.reason}"


def defects_in(cases):
    """A decorator that puts what it decorates, a maker of one defect, among `cases`."""

    def defect(number, action, reason, slices=SLICES, **options):
        def remember(make):
            cases.append(Defect(number, make, action, reason, slices, options))
            return make

        return remember

    return defect


def good_study(slices=SLICES, side=SIDE):
    rng = np.random.default_rng(0)
    images = ct_study(slices)
    for image in images:
        set_pixels(image, rng.integers(-20, 100, (side, side), dtype=np.int16))
    return images


def run(images, folder, strict=False, **options):
    """(lines of the report, slice table, study table) of an ingest of these images and what lies in the folder."""
    save_all(images, folder)
    store = folder.parent / "store"
    report = ingest(find(folder, **options), store, SIDE, WINDOW_HU, KEY, strict=strict)
    return report.lines, read_slice_table(store), read_study_table(store)


def assert_treated(case, folder):
    """The ingest of a study with this defect stores the slices that it should and says so in one line."""
    images = good_study()
    case.make(images, folder)
    lines, slices, _ = run(images, folder, **case.options)
    expected = [[case.action, case.reason]] if case.action else []
    assert lines[["action", "reason"]].values.tolist() == expected
    assert len(slices) == case.slices
    assert slices["position_mm"].is_monotonic_increasing
