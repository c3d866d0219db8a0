"""What an experiment says about its row: measured beside published, and the verdict."""

from typing import NamedTuple

from hohoho.errors import InputError
from hohoho.rows.records import DONE, Experiment, result_params
from hohoho.rows.row import Row
from hohoho.rows.runs import composed
from hohoho.slices.split import SPLITS

TOLERANCE = 0.02  # of F2, on the poster's own data set
POSTER_DATA = "course"
COMPARED = "val"  # the split that verdicts are about
LOCATION_KEYS = ("row", "data.root", "data.labels", "data.pseudonyms")  # say nothing about the recipe or its scale


class Result(NamedTuple):
    """A row with the experiment that speaks for it, if any."""

    row: Row
    experiment: Experiment | None
    changes: tuple[str, ...]  # "key=value" wherever it ran with other values than conf/ gives this row on its data
    verdict: str

    @property
    def measured(self) -> dict[str, float | None]:
        """The F2 measured here per split."""
        return {split: self.experiment.f2.get(split) if self.experiment else None for split in SPLITS}

    @property
    def source(self) -> str:
        """Which data it was measured on."""
        return self.experiment.source if self.experiment else ""


def results(rows: list[Row], experiments: list[Experiment]) -> list[Result]:
    """One result per row."""
    return [result_of(row, [e for e in experiments if e.row == row.name]) for row in rows]


def result_of(row: Row, experiments: list[Experiment]) -> Result:
    """The row with the one of its experiments that is shown."""
    done = [(changes(row.name, e), e) for e in experiments if e.state == DONE]
    if not done:
        waiting = f" ({experiments[-1].state})" if experiments else ""
        return Result(row, None, (), f"not run{waiting}")
    changed, chosen = max(done, key=preference)
    return Result(row, chosen, changed, verdict(row.f2, chosen.f2, chosen.source, changed))


def preference(result: tuple[tuple[str, ...], Experiment]) -> tuple:
    """Which of a row's experiments to show: on the poster's data first, then unchanged, then the newest."""
    changed, experiment = result
    return experiment.source == POSTER_DATA, not changed, experiment.created.timestamp()


def changes(row: str, experiment: Experiment) -> tuple[str, ...]:
    """Where its parameters are not what conf/ gives this row on this data now. Keys unknown to either do not count."""
    data = [f"data={experiment.source}", "data.root=anywhere"]
    try:
        expected = result_params(composed([f"row={row}", *data]))
    except InputError:  # its data set's file is no longer in conf/data
        return ("data",)
    ran = result_params(experiment.params)
    known = [key for key in ran if key in expected and not key.startswith(LOCATION_KEYS)]
    return tuple(f"{key}={ran[key]}" for key in known if ran[key] != expected[key])


def verdict(
    published: dict[str, float | None], measured: dict[str, float | None], source: str, changed: tuple[str, ...]
) -> str:
    """On validation, which is published for every row; only the poster's own data and the row unchanged are compared.

    Never on test: the poster's test F2 is that of a leaderboard, whose labels the course's data set does not bring.
    """
    if source != POSTER_DATA:
        return f"run ({source} – not comparable)"
    if changed:
        return f"run (changed: {', '.join(changed)} – not comparable)"
    if measured.get(COMPARED) is None:
        return f"run (no {COMPARED} F2 – not comparable)"
    difference = round(measured[COMPARED] - published[COMPARED], 6)
    return "reproduced" if abs(difference) <= TOLERANCE else f"differs by {difference:+.3f}"
