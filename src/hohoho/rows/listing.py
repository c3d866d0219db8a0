"""The list of the rows, published beside measured: as text, Markdown, CSV or JSON."""

import json

import pandas as pd

from hohoho.rows.results import Result
from hohoho.rows.spread import pooled
from hohoho.rows.verdicts import KINDS
from hohoho.slices.split import SPLITS

SHOWN_FILES = 2


def f2_text(value: float | None, digits: int = 4) -> str:
    """A score as the tables print it."""
    return "-" if value is None else f"{value:.{digits}f}"


def listing(results: list[Result]) -> pd.DataFrame:
    """A line per row, every cell as text."""
    return pd.DataFrame(
        {"row": result.row.name, "settings": result.row.described()}
        | {f"poster {split}": f2_text(result.row.f2[split]) for split in SPLITS}
        | {f"here {split}": f2_text(result.measured[split]) if result.experiment else "" for split in SPLITS}
        | {"over seeds": over_seeds(result.seed_f2), "data": result.source}
        | {"verdict": result.verdict().text, "stale because": stale_because(result)}
        for result in results
    )


def over_seeds(f2: list[float]) -> str:
    """Mean and standard deviation of validation F2, and of how many seeds; nothing for a single one."""
    spread = pooled([f2])
    return f"{sum(f2) / len(f2):.4f} ± {spread.sd:.4f} ({len(f2)})" if spread else ""


def stale_because(result: Result) -> str:
    """The parameters that its experiment had otherwise than conf/ has them now, and the source files."""
    more = len(result.code) - SHOWN_FILES
    return ", ".join([*result.changes, *result.code[:SHOWN_FILES], *[f"and {more} more"] * (more > 0)])


def tolerance_counts(results: list[Result], tolerances: list[float]) -> str:
    """How many rows have which verdict: by their own tolerances, and by each of these, as text."""
    lines = [["tolerance", *KINDS]]
    for tolerance in (None, *tolerances):
        kinds = [result.verdict(tolerance).kind for result in results]
        lines.append([f"{tolerance:g}" if tolerance else "each row's own", *(str(kinds.count(kind)) for kind in KINDS)])
    return aligned(pd.DataFrame(lines[1:], columns=lines[0]))


def aligned(table: pd.DataFrame) -> str:
    """Text cells in columns; those with nothing in them are left out."""
    table = table.loc[:, table.ne("").any()]
    lines = [list(table), *table.to_numpy().tolist()]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def markdown(table: pd.DataFrame) -> str:
    """A Markdown table of text cells."""
    lines = [list(table), ["---"] * len(table.columns), *table.to_numpy().tolist()]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def as_json(results: list[Result]) -> str:
    """A list of objects; null where nothing was printed or measured."""
    objects = [
        {
            "row": result.row.name,
            "table": result.row.table,
            "column": result.row.column,
            "group": result.row.group,
            "settings": result.row.settings,
            "published": result.row.f2,
            "measured": result.measured if result.experiment else None,
            "data": result.source or None,
            "experiment": result.experiment and result.experiment.name,
            "created": result.experiment and result.experiment.created.isoformat(timespec="seconds"),
            "changed": list(result.changes),
            "changed_code": list(result.code),
            "seeds": {str(experiment.params.get("seed")): experiment.f2 for experiment in result.seeds},
            "verdict": result.verdict().text,
        }
        for result in results
    ]
    return json.dumps(objects, indent=2, ensure_ascii=False)


FORMATS = {
    "text": lambda results: aligned(listing(results)),
    "md": lambda results: markdown(listing(results)),
    "csv": lambda results: listing(results).to_csv(index=False).rstrip("\n"),
    "json": as_json,
}
