"""limits.csv and limits_fits.csv in words: for the page, and for docs/limits.md."""

import math

import pandas as pd

from hohoho.limits.conditions import BLOOD_THICKNESS, VOLUME
from hohoho.predict.page import NAMES

SIZE = "size of the bleed"


def kind(factor: str) -> str:
    """Volume and thickness are the size of a bleed; all else is what it is."""
    return SIZE if factor in (VOLUME, BLOOD_THICKNESS) else factor


def number(value: float, digits: int = 2) -> str:
    """As 12, 1.2 or 0.12; levels, which are known, to three digits: 17.5."""
    return f"{float(f'{value:.{digits}g}'):g}"


def run_table(fits: pd.DataFrame) -> pd.DataFrame:
    """What stands behind all curves, as text."""
    first = fits.iloc[0]
    line = {"heads with a bleed of each class": f"{first['heads']}", "heads without": f"{first['bleed_free_heads']}"}
    line |= {"share of them above the threshold, at most": f"{100 * first['false_alarms']:g} %"}
    return pd.DataFrame([line | {"models": ", ".join(fits["model"].unique())}])


def limit_table(fits: pd.DataFrame) -> pd.DataFrame:
    """A line per class and factor: what each model finds in 50 and in 95 % of heads, with its interval, as text."""
    lines = []
    for (factor, name), of in fits.groupby([fits["factor"].map(kind), "class"], sort=False):
        first = of.iloc[0]
        line = {"what varies": f"{factor}, {first['unit']}", "bleed": NAMES[name]}
        line |= {"tried": f"{number(first['least'], 3)} to {number(first['most'], 3)}"}
        for _, curve in of.iterrows():
            line |= {f"{curve['model']}: {share} %": limit_text(curve, f"found_{share}") for share in (50, 95)}
        lines.append(line)
    table = pd.DataFrame(lines)
    order = {factor: place for place, factor in enumerate(fits["factor"].map(kind).unique())}
    return table.sort_values("what varies", key=lambda column: column.str.split(",").str[0].map(order), kind="stable")


def limit_text(curve: pd.Series, name: str) -> str:
    """ "6.1 (4 to 9.2)", "> 28 (21 to > 28)", or "> 28" alone where its interval is beyond as well.

    Where more is worse, "not at 0.5": not even at the least that was tried.
    """
    easier = "< {}" if curve["helps"] else "not at {}"
    value, low, high = (
        easier.format(number(curve["least"], 3)) if limit == -math.inf
        else f"> {number(curve['most'], 3)}" if limit == math.inf
        else number(limit)
        for limit in (curve[name], curve[f"{name}_low"], curve[f"{name}_high"])
    )  # fmt: skip
    return value if value == low == high else f"{value} ({low} to {high})"


def level_table(levels: pd.DataFrame) -> pd.DataFrame:
    """A line per class and factor: the levels as they were measured, the one it is held at by itself, as text."""
    own = levels[levels["model"] == levels["model"].iloc[0]]
    lines = []
    for (name, factor), of in own.groupby(["class", "factor"], sort=False):
        if kind(factor) == SIZE or not any(line["what varies"].startswith(factor) for line in lines):
            (held,) = of.loc[of["held"] == 1, "measured"]
            line = {"what varies": f"{factor}, {of['unit'].iloc[0]}"}
            line |= {"bleed": NAMES[name] if kind(factor) == SIZE else "each"}
            lines.append(
                line | {"levels": ", ".join(number(level, 3) for level in of["measured"]), "held at": number(held, 3)}
            )
    return pd.DataFrame(lines).sort_values("bleed", key=lambda column: column == "each", kind="stable")


def share_table(levels: pd.DataFrame) -> pd.DataFrame:
    """Every level: how many heads each model finds, as text."""
    columns = {"bleed": levels["class"].map(NAMES), "what varies": levels["factor"] + ", " + levels["unit"]}
    columns |= {
        "level": levels["measured"].map(lambda level: number(level, 3)),
        "blood, mL": levels["volume_ml"].map(number),
    }
    columns |= {"model": levels["model"], "found": levels["found"].astype(str) + " of " + levels["heads"].astype(str)}
    share = zip(levels["found"] / levels["heads"], levels["low"], levels["high"], strict=True)
    return pd.DataFrame(columns | {"share": [f"{p:.2f} ({low:.2f} to {high:.2f})" for p, low, high in share]})
