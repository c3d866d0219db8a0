"""A table as the poster prints it: settings above, F2 below, one column per run; published beside measured."""

import pandas as pd

from hohoho.rows.listing import f2_text, markdown
from hohoho.rows.results import POSTER_DATA, Result
from hohoho.slices.split import SPLITS

NOT_COMPARABLE = "Measured on other data than the poster's: not comparable with the published numbers."
DRAWN_TEST = "Test F2 here is that of drawn patients, the poster's that of a leaderboard's: not comparable."


def printed_table(number: int, title: str, results: list[Result]) -> str:
    """The poster's table `number` from the results of its rows, in Markdown with its title and notes."""
    settings = {result.row.column: result.row.settings for result in results}
    columns = sorted(settings)
    names = dict.fromkeys(name for column in columns for name in settings[column])
    lines = [[name, *(str(settings[column].get(name, "")) for column in columns)] for name in names]
    digits = max(
        len(str(f2).partition(".")[2]) for result in results for f2 in result.row.f2.values() if f2 is not None
    )
    for group in dict.fromkeys(result.row.group for result in results):
        by_column = {result.row.column: result for result in results if result.row.group == group}
        lines += score_lines(group, [by_column.get(column) for column in columns], digits)
    table = markdown(pd.DataFrame(lines, columns=["", *map(str, columns)]))
    return "\n\n".join([f"**Table {number}. {title}**", table, "\n".join(notes(results)) + "\n"])


def score_lines(group: str, results: list[Result | None], digits: int) -> list[list[str]]:
    """F2 of each split, the poster's above what was measured here; None where the group has no such column."""
    lines = []
    for split in SPLITS:
        published = [result and result.row.f2[split] for result in results]
        here = [result and result.measured[split] for result in results]
        if any(value is not None for value in published + here):
            lines.append([f"{group}, {split} F2, poster", *(f2_text(value, digits) for value in published)])
            lines.append([f"{group}, {split} F2, here", *(f2_text(value, digits) for value in here)])
    return [*lines, [f"{group}, data here", *(result.source if result else "" for result in results)]]


def notes(results: list[Result]) -> list[str]:
    """When it was measured, with which changes, and whether it may be compared."""
    run = [result for result in results if result.experiment]
    if not run:
        return ["Not run here yet."]
    days = sorted({result.experiment.created.date().isoformat() for result in run})
    lines = [f"{len(run)} of {len(results)} rows run here, {' to '.join(dict.fromkeys([days[0], days[-1]]))}."]
    for changes in dict.fromkeys(result.changes for result in run if result.changes):
        names = [result.row.name for result in run if result.changes == changes]
        lines.append(f"{', '.join(names) if len(names) < len(run) else 'All'} with {', '.join(changes)}.")
    drawn = any(result.source == POSTER_DATA and result.measured["test"] is not None for result in run)
    return lines + [NOT_COMPARABLE] * any(result.source != POSTER_DATA for result in run) + [DRAWN_TEST] * drawn
