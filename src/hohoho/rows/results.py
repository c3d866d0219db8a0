"""What experiments say about a row: measured beside published, over which seeds, and the verdict."""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from hohoho.errors import InputError
from hohoho.rows.records import DONE, Experiment, result_params
from hohoho.rows.row import Row
from hohoho.rows.runs import composed
from hohoho.rows.spread import (
    COMPARED,
    LOCATION_KEYS,
    MIN_SEEDS,
    Spread,
    pooled,
    poster_spread,
    recipe,
    seeds_of_recipes,
)
from hohoho.rows.stale import changed_code
from hohoho.rows.verdicts import Comparison, Verdict, patients_sd, verdict
from hohoho.slices.split import SPLITS

POSTER_DATA = "course"


class Result(NamedTuple):
    """A row with the experiment that speaks for it, if any."""

    row: Row
    experiment: Experiment | None
    changes: tuple[str, ...] = ()  # "key=value" wherever it ran with other values than conf/ gives this row on its data
    code: tuple[str, ...] = ()  # source files that it ran with, and that are others now
    seeds: tuple[Experiment, ...] = ()  # of the same recipe, one for each seed
    comparison: Comparison | None = None  # with the poster's run, where the two can be compared
    waiting: str = ""  # how far a row without an experiment has come

    @property
    def is_comparable(self) -> bool:
        """Whether it may stand beside the poster's run."""
        return self.source == POSTER_DATA and not self.changes and self.measured[COMPARED] is not None

    @property
    def seed_f2(self) -> list[float]:
        """The F2 of COMPARED of each seed."""
        return [experiment.f2[COMPARED] for experiment in self.seeds]

    @property
    def measured(self) -> dict[str, float | None]:
        """The F2 measured here per split."""
        return {split: self.experiment.f2.get(split) if self.experiment else None for split in SPLITS}

    @property
    def source(self) -> str:
        """Which data it was measured on."""
        return self.experiment.source if self.experiment else ""

    def verdict(self, tolerance: float | None = None) -> Verdict:
        """By the row's own tolerance, or by another one that is given.

        On validation, which is published for every row; only the poster's own data and the row unchanged are compared.
        Never on test: the poster's test F2 is that of a leaderboard, whose labels the course's data set does not bring.
        """
        if self.comparison:
            return verdict(self.comparison, tolerance)
        if not self.experiment:
            return Verdict("not run", f"not run{self.waiting}")
        changed = f"changed: {', '.join(self.changes)}" if self.changes else f"no {COMPARED} F2"
        why = changed if self.source == POSTER_DATA else self.source
        return Verdict("run", f"run ({why} – not comparable)")


def results(rows: list[Row], experiments: list[Experiment], published: list[Row] | None = None) -> list[Result]:
    """One result per row. published: all rows of the poster, where `rows` are some of them; whole tables."""
    published = published or rows
    seeds, poster = seeds_of_recipes(experiments), poster_spread(published)
    shown = {row.name: result_of(row, [e for e in experiments if e.row == row.name], seeds) for row in rows}
    return [compared(result, list(shown.values()), poster) for result in shown.values()]


def result_of(row: Row, experiments: list[Experiment], seeds: dict[tuple, dict[int, Experiment]]) -> Result:
    """The row with the one of its experiments that is shown. seeds: of all recipes."""
    expected = cache(expected_params)  # a composition takes a while
    done = [(changes(row.name, e, expected), e) for e in experiments if e.state == DONE]
    if not done:
        return Result(row, None, waiting=f" ({experiments[-1].state})" if experiments else "")
    changed, chosen = max(done, key=preference)
    same = seeds.get(recipe(chosen.params), {})
    return Result(row, chosen, without_seed(changed), changed_code(chosen.rev), tuple(same.values()))


def preference(result: tuple[tuple[str, ...], Experiment]) -> tuple:
    """Which of a row's experiments to show: on the poster's data, then unchanged, then of the row's seed, then new."""
    changed, experiment = result
    return experiment.source == POSTER_DATA, not without_seed(changed), not changed, experiment.created.timestamp()


def without_seed(changed: tuple[str, ...]) -> tuple[str, ...]:
    """Another seed is another run of the same recipe."""
    return tuple(change for change in changed if not change.startswith("seed="))


def compared(result: Result, table: list[Result], poster: Spread | None) -> Result:
    """With the poster's run beside it, where that may be. table: all rows of its table, for rows with few seeds."""
    if not result.is_comparable:
        return result
    others = (r for r in table if r.is_comparable and r.row.table == result.row.table and len(r.seeds) >= MIN_SEEDS)
    recipes = {recipe(r.experiment.params): r.seed_f2 for r in others}
    own = result.seed_f2
    spread = pooled([own] if len(own) >= MIN_SEEDS else recipes.values())
    difference = sum(own) / len(own) - result.row.f2[COMPARED]
    patients = patients_sd([experiment.val_interval for experiment in result.seeds])
    return result._replace(comparison=Comparison(difference, len(own), spread, poster, patients))


def changes(row: str, experiment: Experiment, expected: Callable | None = None) -> tuple[str, ...]:
    """Where its parameters are not what conf/ gives this row on this data now. Keys unknown to either do not count.

    expected: in place of `expected_params`.
    """
    wanted, ran = (expected or expected_params)(row, experiment.source), result_params(experiment.params)
    if wanted is None:
        return ("data",)
    known = [key for key in ran if key in wanted and not key.startswith(LOCATION_KEYS)]
    return tuple(f"{key}={ran[key]}" for key in known if ran[key] != wanted[key])


def expected_params(row: str, source: str) -> dict | None:
    """What conf/ gives a row on some data now; None where its data set's file is no longer in conf/data."""
    try:
        return result_params(composed([f"row={row}", f"data={source}", "data.root=anywhere"]))
    except InputError:
        return None
