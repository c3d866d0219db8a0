"""docs/claims.md and its picture, from the two tables of `records.py` and the plan alone."""

from pathlib import Path

import pandas as pd

from hohoho.html import write_text
from hohoho.rows.listing import markdown
from hohoho.study.picture import draw
from hohoho.study.plan import Plan, plan_commit, text
from hohoho.study.tables import MEASURE_NAMES, answers, contrast_table, seed_table, summary

PAGE, PICTURE = Path("docs/claims.md"), Path("docs/img/claims.png")


def write_report(
    plan: Plan, tables: tuple[pd.DataFrame, pd.DataFrame], page: Path = PAGE, picture: Path = PICTURE
) -> None:
    """Write the page and its picture; the same tables give the same bytes."""
    runs, patients = tables
    said = answers(plan, patients)
    draw(picture, [(a.claim.text, a.claim.contrasts[0], a.decides, MEASURE_NAMES[a.claim.measure]) for a in said])
    values = {
        "summary": markdown(summary(plan, said, patients)),
        "contrasts": markdown(contrast_table(plan, runs, patients)),
        "seeds": markdown(seed_table(plan, patients)),
        "plan": plan_values(plan),
        "made": made(runs),
        "unfinished": [a.claim.text for a in said if not a.is_whole],
    }
    write_text(page, Path(__file__).parent / "page.md.j2", {}, values)


def plan_values(plan: Plan) -> dict:
    """What the page repeats of the plan."""
    settings = {name: text(value) for name, value in plan.settings.items()}
    arms = {name: ", ".join(f"`{k}={text(v)}`" for k, v in own.items()) or "–" for name, own in plan.arms.items()}
    return {
        "commit": plan_commit(),
        "settings": settings,
        "arms": arms,
        "seed_settings": plan.seed_settings,
        **plan.rule._asdict(),
    }


def made(runs: pd.DataFrame) -> dict:
    """On what the runs were made, at which commits, and how long a training took."""
    each = runs.drop_duplicates(["arm", "seed"])
    took = each["minutes"].dropna() if len(each) else pd.Series(dtype=float)
    kinds = [f"{cpu}, {precision}, {int(threads)} threads" for cpu, precision, threads in kinds_of(each)]
    return {
        "runs": len(each),
        "commits": sorted(set(each["commit"])) if len(each) else [],
        "on": sorted(set(kinds)),
        "minutes": "" if took.empty else f"{took.min():.1f} to {took.max():.1f}, {took.median():.1f} in the median",
    }


def kinds_of(each: pd.DataFrame) -> list[tuple]:
    """Processor, precision and threads of the runs that know them."""
    names = ["cpu", "precision", "threads"]
    return [] if each.empty else list(each[names].dropna().drop_duplicates().itertuples(index=False, name=None))
