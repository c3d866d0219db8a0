"""The list of the rows, published beside measured: as text, Markdown, CSV or JSON."""

import csv
import io
import json
from collections.abc import Callable

from hohoho.rows.results import Result
from hohoho.slices.split import SPLITS

HEAD = [
    "row",
    "settings",
    *(f"poster {s}" for s in SPLITS),
    *(f"here {s}" for s in SPLITS),
    "data",
    "verdict",
    "changed",
]


def f2_text(value: float | None, digits: int = 3) -> str:
    """A score as the tables print it."""
    return "-" if value is None else f"{value:.{digits}f}"


def measured(result: Result) -> dict[str, float | None]:
    """The F2 measured here per split."""
    return {split: result.experiment.f2.get(split) if result.experiment else None for split in SPLITS}


def data_of(result: Result) -> str:
    """Which data it was measured on."""
    return result.experiment.source if result.experiment else ""


def _cells(result: Result) -> list[str]:
    row, here = result.row, measured(result)
    published = [f2_text(row.f2[split], 4) for split in SPLITS]
    scores = [f2_text(here[split], 4) if result.experiment else "" for split in SPLITS]
    return [row.name, row.described(), *published, *scores, data_of(result), result.verdict, ", ".join(result.changes)]


def as_text(results: list[Result]) -> str:
    """Aligned columns; those with nothing in them are left out."""
    columns = [column for column in zip(HEAD, *map(_cells, results), strict=True) if any(column[1:])]
    lines, widths = zip(*columns, strict=True), [max(map(len, column)) for column in columns]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def markdown_table(head: list[str], lines: list[list[str]]) -> str:
    """A Markdown table."""
    rule = ["---"] * len(head)
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in [head, rule, *lines]
    )


def as_markdown(results: list[Result]) -> str:
    """One Markdown table."""
    return markdown_table(HEAD, [_cells(result) for result in results])


def as_csv(results: list[Result]) -> str:
    """Comma-separated, quoted where needed."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([HEAD, *map(_cells, results)])
    return text.getvalue().rstrip("\n")


def as_json(results: list[Result]) -> str:
    """A list of objects; null where nothing was printed or measured."""
    return json.dumps([_object(result) for result in results], indent=2, ensure_ascii=False)


def _object(result: Result) -> dict:
    row, experiment = result.row, result.experiment
    return {
        "row": row.name,
        "table": row.table,
        "column": row.column,
        "group": row.group,
        "settings": row.settings,
        "published": row.f2,
        "measured": measured(result) if experiment else None,
        "data": experiment and experiment.source,
        "experiment": experiment and experiment.name,
        "created": experiment and experiment.created.isoformat(timespec="seconds"),
        "changed": list(result.changes),
        "verdict": result.verdict,
    }


FORMATS: dict[str, Callable[[list[Result]], str]] = {
    "text": as_text,
    "md": as_markdown,
    "csv": as_csv,
    "json": as_json,
}
