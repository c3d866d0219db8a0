"""A table as the poster prints it: settings above, F2 below, one column per run; published beside measured."""

from typing import NamedTuple

from hohoho.rows.listing import data_of, f2_text, markdown_table, measured
from hohoho.rows.results import POSTER_DATA, Result
from hohoho.slices.split import SPLITS

NOT_COMPARABLE = "Measured on other data than the poster's: not comparable with the published numbers."


class Line(NamedTuple):
    """One line of the table."""

    head: str
    cells: list[str]  # one per column
    kind: str  # setting | published | measured


class Table(NamedTuple):
    """A printed table."""

    title: str
    lines: list[Line]
    notes: list[str]


def printed_table(number: int, title: str, results: list[Result]) -> Table:
    """The poster's table `number` from the results of its rows."""
    columns = sorted({result.row.column for result in results})
    groups = list(dict.fromkeys(result.row.group for result in results))
    lines = _setting_lines(results, columns)
    for group in groups:
        by_column = {result.row.column: result for result in results if result.row.group == group}
        lines += _score_lines(group, [by_column.get(column) for column in columns], _digits(results))
    return Table(f"Table {number}. {title}", lines, _notes(results))


def _setting_lines(results: list[Result], columns: list[int]) -> list[Line]:
    settings = {result.row.column: result.row.settings for result in results}
    names = dict.fromkeys(name for column in columns for name in settings[column])
    return [Line(name, [str(settings[column].get(name, "")) for column in columns], "setting") for name in names]


def _score_lines(group: str, results: list[Result | None], digits: int) -> list[Line]:
    lines = []
    for split in SPLITS:
        published = [result and result.row.f2[split] for result in results]
        here = [result and measured(result)[split] for result in results]
        if any(value is not None for value in published + here):
            head = f"{group}, {split} F2"
            lines.append(Line(f"{head}, poster", [f2_text(value, digits) for value in published], "published"))
            lines.append(Line(f"{head}, here", [f2_text(value, digits) for value in here], "measured"))
    return [*lines, Line(f"{group}, data here", [data_of(result) if result else "" for result in results], "setting")]


def _digits(results: list[Result]) -> int:
    """As many digits as the poster prints in this table."""
    values = [value for result in results for value in result.row.f2.values() if value is not None]
    return max(len(str(value).partition(".")[2]) for value in values)


def _notes(results: list[Result]) -> list[str]:
    """When it was measured, with which changes, and whether it may be compared."""
    run = [result for result in results if result.experiment]
    if not run:
        return ["Not run here yet."]
    days = sorted({result.experiment.created.date().isoformat() for result in run})
    notes = [f"{len(run)} of {len(results)} rows run here, {' to '.join(dict.fromkeys([days[0], days[-1]]))}."]
    for changes in dict.fromkeys(result.changes for result in run if result.changes):
        names = [result.row.name for result in run if result.changes == changes]
        notes.append(f"{', '.join(names) if len(names) < len(run) else 'All'} with {', '.join(changes)}.")
    return notes + [NOT_COMPARABLE] * any(result.experiment.source != POSTER_DATA for result in run)


def as_markdown(table: Table) -> str:
    """The table with its title and notes."""
    head = ["", *(str(number) for number in range(1, len(table.lines[0].cells) + 1))]
    lines = [[line.head, *line.cells] for line in table.lines]
    return f"**{table.title}**\n\n{markdown_table(head, lines)}\n\n" + "\n".join(table.notes) + "\n"
