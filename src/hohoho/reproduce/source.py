"""The record that is to be reproduced: of a file, or of a row's experiment."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from hohoho.errors import InputError
from hohoho.params import flat
from hohoho.rows.records import DONE, Experiment
from hohoho.rows.results import changes, preference
from hohoho.rows.row import read_rows, rows_named
from hohoho.rows.run_record import checked, record_of
from hohoho.stage.record import RECORD

REPEATED = "-reproduced"  # ends the name of an experiment that repeats another one


def find_record(target: str, experiments: list[Experiment]) -> tuple[str, dict]:
    """What a user named, in words, and its record. target: a file, or a row's name.

    Raises `InputError` where it is neither, or where there is no record of it.
    """
    if Path(target).is_file():
        return target, checked(Path(target).read_text(errors="replace"), target)
    if "/" in target or target.endswith(".json"):
        raise InputError(f"{target}: no such file; give a {RECORD}, or the name of a row (see `hohoho rows`)")
    row = rows_named(read_rows(), [target])[0].name
    done = [e for e in experiments if e.row == row and e.state == DONE and not e.name.endswith(REPEATED)]
    for experiment in sorted(done, key=lambda e: preference((changes(row, e), e)), reverse=True):
        if record := record_of(experiment):
            return f"experiment {experiment.name}", record
    if done:
        raise InputError(
            f"{row} has run here, but none of its experiments has a {RECORD} of its own: they are older than that, or "
            f"DVC took them from its cache. `dvc exp run --force -n {done[-1].name} -S …`, with its -S, makes one"
        )
    raise InputError(f"{row} has not been run here: `hohoho rows run {row}`, `dvc exp pull`, or give a {RECORD}")


def own_overrides(record: Mapping, composed: Mapping, taken: Iterable[str]) -> list[str]:
    """The overrides that turn the parameters composed here into the recorded ones, in Hydra's grammar.

    taken: parameters that the user sets. `runtime` is this machine's; parameters that conf/ does not know are left out.
    """
    wanted, there = flat(record["params"]), flat(composed)
    kept = [key for key in wanted if key in there and not key.startswith(("runtime.", "edit")) and key not in taken]
    return [f"{key}={hydra_text(wanted[key])}" for key in kept if wanted[key] != there[key]]


def hydra_text(value: object) -> str:
    """A value of a parameter as an override of Hydra's says it."""
    from hydra.core.override_parser.types import Quote, QuotedString

    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str():
            return QuotedString(value, Quote.single).with_quotes()
        case list():
            return f"[{','.join(map(hydra_text, value))}]"
    return repr(value)
