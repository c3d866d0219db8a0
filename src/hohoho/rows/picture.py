"""A table of the poster as a picture: each row's published F2 beside what was measured here."""

from collections.abc import Sequence

import pandas as pd

from hohoho.report.forest import Options, forest
from hohoho.report.svg import as_file
from hohoho.rows.results import Result
from hohoho.rows.spread import COMPARED

WIDTH = 640  # px
COLUMNS = ["label", "published", "value", "low", "high", "seeds", "note"]
NAMES = {"mark": "poster", "dots": "seeds"}


def picture(title: str, rows: pd.DataFrame, notes: Sequence[str]) -> str:
    """An SVG file. rows: COLUMNS; F2 published and measured, its interval, the F2 of each seed; missing: not drawn."""
    lines = rows.rename(columns={"published": "mark", "seeds": "dots"}).assign(series="here")
    return as_file(forest(title, lines, Options(NAMES, notes=notes, width=WIDTH)))


def picture_rows(results: list[Result]) -> pd.DataFrame:
    """What `picture` draws of some results: F2 of COMPARED."""
    return pd.DataFrame(map(picture_row, results), columns=COLUMNS)


def picture_row(result: Result) -> dict:
    """One line. A single seed is no spread: it is not drawn beside the value that it is."""
    published, value = result.row.f2[COMPARED], result.measured[COMPARED]
    low, high = (result.experiment and result.experiment.val_interval) or (None, None)
    seeds = result.seed_f2 if len(result.seeds) > 1 else []
    notes = [f"poster {published:.3f}"] * (published is not None)
    notes += [f"mean of {len(seeds)} seeds {sum(seeds) / len(seeds):.3f}"] if seeds else []
    notes += [result.verdict().text] if value is None else ["no interval"] * (low is None)
    notes += [result.verdict().kind] * bool(result.comparison)
    label = f"{result.row.name}: {result.row.described()}"
    return dict(zip(COLUMNS, [label, published, value, low, high, seeds or None, ", ".join(notes)], strict=True))
