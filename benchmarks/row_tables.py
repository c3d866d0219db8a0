"""The tables of docs/poster.md, made of docs/results/rows.csv and published.yaml: see benchmarks/results.py."""

from pathlib import Path

import pandas as pd

from hohoho.rows.picture import COLUMNS, picture
from hohoho.rows.row import Row, read_rows

PUBLISHED = Path(__file__).parents[1] / "published.yaml"
MIN_SEEDS = 3  # from which a spread is shown
OTHER_DATA = "The poster's F2 is of its own patients, ours of drawn heads: the two are not to be compared."


def row_tables(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Each by its name. runs: of docs/results/rows.csv."""
    return {"rows": rows(runs), "row_spread": row_spread(runs), "row_machines": row_machines(runs)}


def f2(value: float | None) -> str:
    """As the poster prints it; a dash where it is unknown."""
    return "–" if value is None or pd.isna(value) else f"{value:.3f}".lstrip("0")


def mean_and_sd(values: pd.Series) -> str:
    return f"{f2(values.mean())} ± {f2(values.std())}"


def own_seed(row: Row, runs: pd.DataFrame) -> pd.Series | None:
    """The run with the row's own seed, which is the smallest that it has."""
    own = runs[runs["row"] == row.name].sort_values("seed")
    return None if own.empty else own.iloc[0]


def rows(runs: pd.DataFrame) -> pd.DataFrame:
    """A line per row of the poster; of those that have run, F2 with its interval, and the AUROC."""
    lines = []
    for row in read_rows(PUBLISHED):
        run = own_seed(row, runs)
        poster = f"{f2(row.f2['val'])} / {f2(row.f2['test'])}"
        cells = ["not run", "", ""]
        if run is not None:
            auroc = run["auroc_test"] if pd.isna(run["lstm_auroc_test"]) else run["lstm_auroc_test"]
            cells = [f"{f2(run['val'])} ({f2(run['val_low'])} – {f2(run['val_high'])})", f2(run["test"]), f2(auroc)]
        lines.append([f"`{row.name}`", row.described(), poster, *cells])
    return pd.DataFrame(lines, columns=["row", "settings", "poster val / test", "here val (95 %)", "test", "AUROC"])


def row_spread(runs: pd.DataFrame) -> pd.DataFrame:
    """Of the rows that have run with several seeds, how far these lie apart, beside what the patients leave open."""
    lines = []
    for name, own in runs.groupby("row", sort=False):
        if len(own) >= MIN_SEEDS:
            half = (own["val_high"] - own["val_low"]).mean() / 2
            seeds = ", ".join(map(str, sorted(own["seed"])))
            lines.append([f"`{name}`", seeds, mean_and_sd(own["val"]), mean_and_sd(own["test"]), f"± {f2(half)}"])
    columns = ["row", "seeds", "validation F2", "test F2", "half the interval over patients"]
    return pd.DataFrame(lines, columns=columns)


def row_machines(runs: pd.DataFrame) -> pd.DataFrame:
    """On what the rows were run, at which commit, and in how many minutes."""
    lines = []
    for (cpu, units, precision, threads, commit), own in runs.groupby(
        ["cpu", "units", "precision", "threads", "commit"]
    ):
        took = own["minutes"]
        minutes = f"{took.min():.0f} to {took.max():.0f}, {took.median():.0f} in the median"
        lines.append([f"{cpu} ({units})", precision, f"{threads:.0f}", str(len(own)), minutes, commit])
    columns = ["processor", "precision", "threads", "runs", "minutes a run", "commit"]
    return pd.DataFrame(lines, columns=columns)


def row_picture(runs: pd.DataFrame) -> str:
    """All rows as an SVG: validation F2, the poster's, that of the row's own seed with its interval, and every seed."""
    lines = []
    for row in read_rows(PUBLISHED):
        run, published = own_seed(row, runs), row.f2["val"]
        seeds = runs.loc[runs["row"] == row.name, "val"].tolist()
        measured = [None] * 3 if run is None else [run["val"], run["val_low"], run["val_high"]]
        note = "not run" if run is None else f"poster {published:.3f}"
        cells = [row.name, published, *measured, seeds if len(seeds) > 1 else None, note]
        lines.append(dict(zip(COLUMNS, cells, strict=True)))
    return picture("The poster's rows on the phantom: F2 on validation", pd.DataFrame(lines), [OTHER_DATA])
