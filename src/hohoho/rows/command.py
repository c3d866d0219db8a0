"""The command `hohoho rows`: list, run and print the rows of the poster's tables."""

import argparse
import sys
from pathlib import Path

from hohoho.errors import InputError
from hohoho.rows.row import TABLES, Row, read_rows, read_titles, rows_named, rows_of

RUN_HELP = """Each row becomes one `dvc exp run -n NAME -S row=ROW`. A row that an experiment has recorded with the same
parameters (runtime.* aside) is skipped, so that the same command goes on where a killed one stopped. To run it again,
`dvc exp remove NAME` first. Waits while something else runs in this folder."""


def add_commands(commands) -> None:
    """Hang `rows`, `rows run` and `rows table` into the command line. commands: of `parser.add_subparsers()`."""
    rows = commands.add_parser("rows", help="the 34 rows of the poster's tables: list, run, print")
    rows.add_argument("--format", choices=["text", "md", "csv", "json"], default="text")
    rows.add_argument("--table", type=int, choices=TABLES, help="only this table")
    counts = "how many rows have which verdict by these tolerances of F2, and by each row's own (docs/poster.md)"
    rows.add_argument("--tolerance", type=float, nargs="+", metavar="F2", help=counts)
    rows.set_defaults(run=_list)
    below = rows.add_subparsers(metavar="run | table | record")

    run = below.add_parser("run", help="run rows that have not been run", description=RUN_HELP)
    run.add_argument("names", nargs="*", metavar="ROW", help="as `hohoho rows` lists them, e.g. table2_c5")
    run.add_argument("--table", type=int, choices=TABLES, help="every row of this table")
    run.add_argument("--all", action="store_true", help="all 34 rows")
    run.add_argument("--queue", action="store_true", help="put into DVC's queue; `dvc queue start` runs them")
    run.add_argument("-S", dest="overrides", action="append", default=[], metavar="KEY=VALUE", help="as of dvc exp run")
    run.set_defaults(run=_run)

    table = below.add_parser("table", help="tables as the poster prints them, in Markdown, each with a picture")
    table.add_argument("number", nargs="?", type=int, choices=TABLES)
    table.add_argument("--all", action="store_true", help="all six tables")
    table.add_argument("--out", type=Path, required=True, help="folder for table<N>.md and table<N>.svg")
    table.set_defaults(run=_table)

    record = below.add_parser("record", help="add what DVC has recorded at the phantom's default scale to docs/results")
    record.set_defaults(run=_record)


def _list(options: argparse.Namespace) -> None:
    from hohoho.rows.listing import FORMATS, tolerance_counts
    from hohoho.rows.records import read_experiments
    from hohoho.rows.results import results

    if min(options.tolerance or [1]) <= 0:
        raise InputError("--tolerance is a difference of F2, above 0")
    rows = read_rows()
    chosen = rows_of(rows, options.table) if options.table else rows
    found = results(chosen, read_experiments(), rows)
    print(tolerance_counts(found, options.tolerance) if options.tolerance else FORMATS[options.format](found))


def chosen_rows(names: list[str], table: int | None, everything: bool) -> list[Row]:
    """The rows that a command line means, in the order given. Raises `InputError` where it means none or two things."""
    if sum([bool(names), table is not None, everything]) != 1:
        raise InputError("which rows? Give their names (see `hohoho rows`), or --table N, or --all")
    rows = read_rows()
    return rows_named(rows, names) if names else [row for row in rows if everything or row.table == table]


def _run(options: argparse.Namespace) -> None:
    from hohoho.rows.records import read_experiments
    from hohoho.rows.runs import run_rows, unrecorded
    from hohoho.stage.workspace import alone

    chosen = chosen_rows(options.names, options.table, options.all)
    try:
        with alone("hohoho rows run"):
            what = (chosen, options.overrides, options.queue)
            failed = run_rows(*what, read_experiments())
            failed += [name for name in unrecorded(*what, read_experiments()) if name not in failed]
    except KeyboardInterrupt:
        sys.exit("stopped; the same command goes on from here")
    if failed:
        print(f"{len(failed)} of {len(chosen)} failed: {', '.join(failed)}", file=sys.stderr)
        sys.exit(1)


def _table(options: argparse.Namespace) -> None:
    from hohoho.files import atomic
    from hohoho.rows.picture import picture, picture_rows
    from hohoho.rows.records import read_experiments
    from hohoho.rows.results import results
    from hohoho.rows.spread import COMPARED
    from hohoho.rows.table import notes, printed_table

    if options.all == (options.number is not None):
        raise InputError("which table? Give its number, 1 to 6, or --all")
    rows, titles, experiments = read_rows(), read_titles(), read_experiments()
    for number in TABLES if options.all else [options.number]:
        found, path = results(rows_of(rows, number), experiments, rows), options.out / f"table{number}.md"
        drawn = picture(f"Table {number}. {titles[number]}: F2 on {COMPARED}", picture_rows(found), notes(found))
        for file, content in ((path, printed_table(number, titles[number], found)), (path.with_suffix(".svg"), drawn)):
            with atomic(file) as temporary:
                temporary.write_text(content)
            print(file)


def _record(options: argparse.Namespace) -> None:
    from hohoho.rows.committed import ROWS, add_experiments, read_committed, write_committed
    from hohoho.rows.records import read_experiments

    before = read_committed()
    table = add_experiments(before, read_rows(), read_experiments())
    write_committed(table)
    print(f"{ROWS}: {len(table)} runs, {len(table) - len(before)} of them new")
