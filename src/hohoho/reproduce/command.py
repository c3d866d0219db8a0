"""The command `hohoho reproduce`: run a recorded run again, and compare what comes out."""

import argparse
import shlex
import sys

EXIT_CODES = """Exit code 0: all hashes and numbers are the same, or what differs was named before the run; 1: something
differs that was not, or the run failed; 2: there is no such record."""
RUN_HELP = """Prints what differs from the recorded run on this machine, runs every stage again, with as many threads as
were recorded (`dvc exp run --force`, as experiment ROW-reproduced), and compares all outputs and scores."""


def add_commands(commands) -> None:
    """Hang `reproduce` into the command line. commands: of `parser.add_subparsers()`."""
    words = {"description": RUN_HELP, "epilog": EXIT_CODES}
    reproduce = commands.add_parser(
        "reproduce", help="run a recorded run again and compare every hash and number", **words
    )
    reproduce.add_argument("target", metavar="FILE|ROW", help="a reproduce.json, or a row that has run here")
    reproduce.add_argument("--dry", action="store_true", help="print what differs, run nothing")
    overrides = "as of dvc exp run; what it changes is in the table"
    reproduce.add_argument("-S", dest="overrides", action="append", default=[], metavar="KEY=VALUE", help=overrides)
    reproduce.set_defaults(run=_reproduce)


def _reproduce(options: argparse.Namespace) -> None:
    from hohoho.reproduce.comparison import mismatches, summary
    from hohoho.reproduce.differences import differences, table
    from hohoho.reproduce.here import expected, overrides_of
    from hohoho.reproduce.source import find_record
    from hohoho.rows.records import read_experiments

    name, record = find_record(options.target, read_experiments())
    overrides = overrides_of(record, options.overrides)
    found = differences(record, expected(record, overrides))
    print(f"{name}, by `{record.get('command')}`: {minutes(record)}")
    print(table(found) if found else "nothing differs here: the same bytes are expected", flush=True)
    if options.dry:
        return
    repeated = run_again(record, overrides)
    different = mismatches(record, repeated, found)
    print(summary(record, repeated, different))
    sys.exit(1 if any(not mismatch.reasons for mismatch in different) else 0)


def minutes(record: dict) -> str:
    """How long the recorded stages took there."""
    known = [run.get("minutes", 0) for run in record["stages"].values() if run]
    text = f"{sum(known):.1f} minutes"
    return text if len(known) == len(record["stages"]) else f"{text} in {len(known)} of {len(record['stages'])} stages"


def run_again(record: dict, overrides: list[str]) -> dict:
    """Run it as an experiment of its own, and return that one's record. Ends the process where the run fails."""
    from hohoho.errors import InputError
    from hohoho.reproduce.source import REPEATED
    from hohoho.rows.records import read_experiments
    from hohoho.rows.run_record import record_of
    from hohoho.rows.runs import run_command
    from hohoho.stage.workspace import alone

    name = record["params"]["row"].replace("_", "-") + REPEATED
    words = ["dvc", "exp", "run", "--force", "-n", name, *(part for o in overrides for part in ("-S", o))]
    print(shlex.join(words), flush=True)
    with alone("hohoho reproduce"):
        if run_command(words):
            sys.exit(f"ERROR: {name} failed, see above")
    again = [experiment for experiment in read_experiments() if experiment.name == name]
    repeated = record_of(again[-1]) if again else None
    if repeated is None:
        raise InputError(f"DVC has kept no record of the experiment {name}; see what it said above")
    return repeated
