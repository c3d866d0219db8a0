"""How far runs of one recipe lie apart: over seeds here, and over the columns that the poster repeats."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from hohoho.rows.records import DONE, Experiment, result_params
from hohoho.rows.row import Row

COMPARED = "val"  # the split that verdicts are about
MIN_SEEDS = 3  # of one recipe, from which its spread counts as measured
RUN = "Run"  # the setting by which published.yaml tells a repeated column from the first
LOCATION_KEYS = ("row", "data.root", "data.labels", "data.pseudonyms")  # say nothing about the recipe or its scale


class Spread(NamedTuple):
    """Standard deviation of F2 between runs that differ by their seed alone, and its degrees of freedom."""

    sd: float
    df: int


def pooled(groups: Iterable[Sequence[float]]) -> Spread | None:
    """The spread within groups: s² = Σ Σ (x − mean of its group)² / df, df = Σ (n − 1). None where df is 0."""
    kept = [np.asarray(group, float) for group in groups if len(group) > 1]
    df = sum(len(group) - 1 for group in kept)
    squares = sum(float(((group - group.mean()) ** 2).sum()) for group in kept)
    return Spread((squares / df) ** 0.5, df) if df else None


def poster_spread(rows: list[Row]) -> Spread | None:
    """Of the poster's own runs: its columns of equal settings. None where it repeats none."""
    groups = {}
    for row in rows:
        settings = tuple(sorted((name, str(value)) for name, value in row.settings.items() if name != RUN))
        if row.f2[COMPARED] is not None:
            groups.setdefault((row.table, row.group, settings), []).append(row.f2[COMPARED])
    return pooled(groups.values())


def recipe(params: Mapping) -> tuple:
    """Whatever can change a result but the seed, as a key: rows that differ by their seed alone share it."""
    values = result_params(params)
    return tuple(sorted((k, repr(v)) for k, v in values.items() if k != "seed" and not k.startswith(LOCATION_KEYS)))


def seeds_of_recipes(experiments: list[Experiment]) -> dict[tuple, dict[int, Experiment]]:
    """Recipe → seed → the newest experiment that has a score of COMPARED; a seed that ran twice counts once."""
    seeds = {}
    for experiment in sorted((e for e in experiments if e.state == DONE), key=lambda e: e.created):
        if experiment.f2.get(COMPARED) is not None:
            seeds.setdefault(recipe(experiment.params), {})[experiment.params.get("seed")] = experiment
    return seeds
