"""The tables of docs/claims.md."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from hohoho.study.contrasts import Difference, by_run, difference, holm, verdict
from hohoho.study.plan import F2, PART_NAMES, Claim, Contrast, Plan, Side

MEASURE_NAMES = {
    "f2": "F2 at 0.5",
    "f2_best": "F2, each at its own best threshold",
    "average_precision": "macro average precision",
    "r2": "R² of the level",
}


class Answer(NamedTuple):
    """What the study says of a claim."""

    claim: Claim
    decides: Difference
    adjusted_p: float
    verdict: str
    is_whole: bool  # all of the plan's seeds are run


def answers(plan: Plan, patients: pd.DataFrame) -> list[Answer]:
    """One for each claim, in their order. No verdict before all of the plan's seeds are run: none is looked for."""
    found = {c.key: difference(patients, c.contrasts[0], c.measure, plan.rule.resamples) for c in plan.claims}
    adjusted, said = holm({key: each.p for key, each in found.items()}), []
    for claim in plan.claims:
        run = len(set(plan.seeds) & set(found[claim.key].seeds))
        of_p = verdict(found[claim.key].mean, adjusted[claim.key], plan.rule.level)
        is_whole = run == len(plan.seeds)
        text = of_p if is_whole else f"{run} of {len(plan.seeds)} seeds run"
        said.append(Answer(claim, found[claim.key], adjusted[claim.key], text, is_whole))
    return said


def summary(plan: Plan, said: list[Answer], patients: pd.DataFrame) -> pd.DataFrame:
    """A line per claim: the verdict, what carries it, and whether it is more than a matter of the threshold."""
    lines = [
        {
            "claim": a.claim.text,
            "on our data": a.verdict,
            "difference (95 %)": with_interval(a.decides),
            "measure": MEASURE_NAMES[a.claim.measure],
            "each side at its own best threshold": matched(plan, patients, a.claim),
            "p": p_text(a.decides.p),
            "Holm's p": p_text(a.adjusted_p),
            "could have shown": number(a.decides.smallest(plan.rule.level / len(plan.claims), plan.rule.power)),
            "seeds": str(len(a.decides.seeds)),
        }
        for a in said
    ]
    return pd.DataFrame(lines)


def matched(plan: Plan, patients: pd.DataFrame, claim: Claim) -> str:
    """The deciding difference where neither side's 0.5 plays a part; "" of a measure that has no threshold."""
    if claim.measure != F2:
        return ""
    return with_interval(difference(patients, claim.contrasts[0], "f2_best", plan.rule.resamples))


def contrast_table(plan: Plan, runs: pd.DataFrame, patients: pd.DataFrame) -> pd.DataFrame:
    """A line per contrast and measure."""
    lines = []
    for claim in plan.claims:
        for contrast in claim.contrasts:
            for measure in (F2, "f2_best", "average_precision") if claim.measure == F2 else (claim.measure,):
                found = found_in(plan, runs, patients, contrast, measure)
                plus, minus = (number(side.mean()) if len(side) else "" for side in (found.plus, found.minus))
                cells = [contrast.name, MEASURE_NAMES[measure], plus, minus, with_interval(found), p_text(found.p)]
                lines.append(cells)
    return pd.DataFrame(lines, columns=["contrast", "measure", "plus", "minus", "difference (95 %)", "p"])


def found_in(plan: Plan, runs, patients, contrast: Contrast, measure: str) -> Difference:
    """A contrast by patients where their sums make the measure, else by runs."""
    if measure in runs:
        return by_run(runs, contrast, measure)
    return difference(patients, contrast, measure, plan.rule.resamples)


def seed_table(plan: Plan, patients: pd.DataFrame) -> pd.DataFrame:
    """A line per claim's side, a column per seed: the scores that decide."""
    lines = []
    for claim in plan.claims:
        for contrast in claim.contrasts:
            found = difference(patients, contrast, claim.measure, 0)
            for sign, side, scores in (("+", contrast.plus, found.plus), ("−", contrast.minus, found.minus)):
                of_seed = dict(zip(found.seeds, map(number, scores), strict=True))
                lines.append({"contrast": contrast.name, "": sign, "runs": named(side)} | of_seed)
    table = pd.DataFrame(lines).drop_duplicates(["contrast", "runs"]).fillna("")
    seeds = sorted(name for name in table if isinstance(name, int))
    return table[["contrast", "", "runs", *seeds]].rename(columns={seed: f"seed {seed}" for seed in seeds})


def named(side: Side) -> str:
    """As people read it."""
    return f"{side.arm}, {PART_NAMES[side.part]}"


def with_interval(found: Difference) -> str:
    """ "+.021 (−.004 – +.046)"."""
    if not found.seeds:
        return ""
    ends = [number(end, "+") for end in found.interval]
    return number(found.mean, "+") + (f" ({' – '.join(ends)})" if all(ends) else "")


def number(value: float, sign: str = "") -> str:
    """Three digits without the leading zero; nothing where it is unknown."""
    return "" if not np.isfinite(value) else f"{value:{sign}.3f}".replace("0.", ".", 1).replace("-", "−")


def p_text(value: float) -> str:
    """ "p < .001", ".034"; nothing where it is unknown."""
    return "" if not np.isfinite(value) else "< .001" if value < 0.001 else number(value)
