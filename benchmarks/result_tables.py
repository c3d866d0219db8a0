"""The tables of README and docs/*.md, made of docs/results/*.csv: see benchmarks/results.py."""

import re
from pathlib import Path

import pandas as pd
from row_tables import row_tables

from hohoho.inference.table import MODEL_NAMES
from hohoho.limits.listing import level_table, limit_table, run_table
from hohoho.report.tables import heading
from hohoho.rows.listing import markdown
from hohoho.scores.three_answers import ANSWERS
from hohoho.study.plan import read_plan
from hohoho.study.tables import answers as study_answers
from hohoho.study.tables import summary as study_summary

MODELS, NAMES = list(MODEL_NAMES), list(MODEL_NAMES.values())
F2, AUROC = "micro F2 at 0.5", "macro AUROC"
SLICES = {F2: "micro.f2", "macro average precision": "macro.average_precision", AUROC: "macro.auroc"}
POOLED = SLICES | {"micro recall": "micro.recall", "micro specificity": "micro.specificity"}
BEST = "micro F2, each model at its own best threshold on validation"
FLOOR = {"predict-all-positive baseline: F2": ["data.test.all_positive_f2"]}
SCANS = {"AUROC": "auroc", "sensitivity": "recall", "specificity": "specificity"}
POINTS = {  # of scans, as metrics/details.json names them
    "a slice reaches 0.5": "max",
    "own probability, threshold of 95 % sensitivity": "sensitivity_95",
    "own probability, Youden's threshold": "youden",
}
CALIBRATION = {
    "calibration error of the five classes, raw": "calibration.{}.test.micro.ece_raw",
    "the same, calibrated": "calibration.{}.test.micro.ece_calibrated",
    "calibration error of any bleed, calibrated": "calibration.{}.test.any.ece_calibrated",
    "RSNA's log loss, raw": "slices.{}.test.micro.rsna_log_loss.value",
    "RSNA's log loss, calibrated": "slices.{}.test.micro.rsna_log_loss_calibrated.value",
}
AGGREGATIONS = {  # as benchmarks/scan_probability.py names them
    "raw max": "largest slice, not calibrated again",
    "max": "**largest slice, calibrated (ours)**",
    "top3_mean": "mean of the three largest",
    "noisy_or": "noisy-or",
}


def tables(folder: Path) -> dict[str, str]:
    """Every table by its name, as Markdown. folder: that of the CSVs."""
    csv = {path.stem: pd.read_csv(path) for path in folder.glob("*.csv")}
    runs = csv["runs"].set_index("key")
    made = {make.__name__: make(runs) for make in (summary, seeds, one_seed, scans, answers, calibration)}
    made["scan_probability"] = scan_probability(csv["scan_probability"])
    made["audit"], made["machines"] = audit(csv["audit"]), machines(csv["machines"], runs)
    made["limits_run"], made["limits"] = run_table(csv["limits_fits"]), limit_table(csv["limits_fits"])
    made["limits_levels"] = level_table(csv["limits"])
    shares = csv["coverage"].rename(columns=heading)
    made["coverage"] = shares.map(lambda cell: percent(cell) if isinstance(cell, float) else str(cell))
    made |= row_tables(csv["rows"]) | {"claims": claims(csv["study_patients"])}
    return {name: markdown(table) for name, table in made.items()}


def number(value: float, sign: str = "") -> str:
    """ ".524", "1.000", "−.012"; with the sign "+" also "+.146"; nothing where it is unknown."""
    return "" if pd.isna(value) else re.sub(r"(?<!\d)0\.", ".", f"{value:{sign}.3f}").replace("-", "−")


def percent(share: float) -> str:
    """ "92 %"; a dash where it is unknown."""
    return "–" if pd.isna(share) else f"{share:.0%}".replace("%", " %")


def spread(values: pd.Series) -> str:
    """Mean ± standard deviation."""
    return f"{number(values.mean())} ± {number(values.std())}"


def score(runs: pd.DataFrame, place: str, sign: str = "") -> str:
    """Of the first seed, with its interval where it has one."""
    value, low, high = (runs.iloc[:, 0].get(f"{place}.{end}") for end in ("value", "low", "high"))
    return number(value, sign) + ("" if pd.isna(low) else f" ({number(low)} – {number(high)})")


def filled(columns: list[str], lines: list[list[str]]) -> pd.DataFrame:
    """Cells as they are, short lines filled up."""
    return pd.DataFrame([line + [""] * (len(columns) - len(line)) for line in lines], columns=columns)


def spreads(runs: pd.DataFrame, columns: list[str], lines: dict[str, list[str]]) -> pd.DataFrame:
    """Mean ± sd over the seeds. lines: heading → the key of each column, maybe of the first ones only."""
    return filled(["", *columns], [[name, *(spread(runs.loc[key]) for key in keys)] for name, keys in lines.items()])


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    lines = {name: [f"slices.{m}.test.{at}.value" for at in SLICES.values()] for m, name in MODEL_NAMES.items()}
    return spreads(runs, list(SLICES), lines | FLOOR)


def seeds(runs: pd.DataFrame) -> pd.DataFrame:
    keys = {f"{MODEL_NAMES[m]}: {name}": [f"slices.{m}.test.{at}.value"] for m in MODELS for name, at in SLICES.items()}
    lines = [[name, *map(number, runs.loc[key]), spread(runs.loc[key])] for name, (key,) in (keys | FLOOR).items()]
    return filled(["", *runs, "mean ± sd"], lines)


def calibration(runs: pd.DataFrame) -> pd.DataFrame:
    return spreads(runs, NAMES, {name: [key.format(m) for m in MODELS] for name, key in CALIBRATION.items()})


def one_seed(runs: pd.DataFrame) -> pd.DataFrame:
    lines = [
        [name, *(score(runs, f"slices.{m}.test.{at}") for m in MODELS), score(runs, f"lstm_gain.test.{at}", "+")]
        for name, at in POOLED.items()
    ]
    return filled(
        ["", *NAMES, "difference, paired"], [*lines, [BEST, "", "", score(runs, "lstm_gain_at_best_f2.test", "+")]]
    )


def scans(runs: pd.DataFrame) -> pd.DataFrame:
    lines = {
        f"{MODEL_NAMES[m]}: {how}": [f"scans.{m}.test.{point}.any.{at}.value" for at in SCANS.values()]
        + [f"scan_calibration.{m}.test.any.ece"] * (point != "max")
        for m in MODELS
        for how, point in POINTS.items()
    }
    return spreads(runs, [*SCANS, "calibration error"], lines)


def answers(runs: pd.DataFrame) -> pd.DataFrame:
    keys = {
        truth: [f"answers.cnn_lstm.counts.test.{truth}.{answer}" for answer in ANSWERS] for truth in ("bleed", "none")
    }
    counts = [runs.loc[of].astype(int) for of in keys.values()]
    lines = [[ANSWERS[i], *(", ".join(map(str, of.iloc[i])) for of in counts)] for i in range(len(ANSWERS))]
    bleeding, others = (of.iloc[:, 0].sum() for of in counts)
    return filled(["CNN-LSTM says", f"of {bleeding} scans with a bleed", f"of {others} without"], lines)


def scan_probability(lines: pd.DataFrame) -> pd.DataFrame:
    """lines: one per seed, model and aggregation."""
    scores = ["AUROC any", "log loss any", "log loss classes"]
    found = lines.groupby(["aggregation", "model"])[scores].agg(spread)
    cells = [[name, *(found.loc[(how, m), s] for m in NAMES for s in scores)] for how, name in AGGREGATIONS.items()]
    return filled(["", *(f"{m}: {s}" for m in NAMES for s in scores)], cells)


def audit(lines: pd.DataFrame) -> pd.DataFrame:
    """lines: one per score, model and commit, before and after."""
    cells = lines.filter(regex="^seed").agg(lambda values: ", ".join(map(number, values.dropna())), axis=1)
    columns = lines["model"] + ", " + lines["when"] + " (" + lines["commit"] + ")"
    table = cells.groupby([lines["score"], columns], sort=False).first().unstack(sort=False).fillna("")
    return table.rename_axis(index="", columns=None).reset_index()


def machines(others: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """others: runs of seed 0 elsewhere and at other commits."""
    keys = [f"slices.{m}.test.{SLICES[name]}.value" for name in (F2, AUROC) for m in MODELS]
    own = {
        "the same, one thread instead of two, as above": runs.iloc[:, 0],
        "**standard deviation of the seeds above**": runs.std(axis=1),
    }
    lines = [[f"{run} ({commit})", *map(number, scores)] for run, commit, *scores in others.itertuples(index=False)]
    lines += [[name, *map(number, values[keys])] for name, values in own.items()]
    return filled(["seed 0 on two cores", *others.columns[2:]], lines)


def claims(patients: pd.DataFrame) -> pd.DataFrame:
    """What the study of the poster's claims says, in short. patients: study_patients.csv."""
    plan = read_plan(Path(__file__).parents[1] / "conf/study")
    table = study_summary(plan, study_answers(plan, patients), patients).rename(
        columns={"each side at its own best threshold": "at best thresholds"}
    )
    return table[["claim", "on our data", "measure", "difference (95 %)", "at best thresholds", "seeds"]]
