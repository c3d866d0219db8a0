"""Recorded runs → two small tables that the report is made of, so that a clone without DVC's cache can make it too.

study_runs.csv: a line per run and part (a model, or what the level is read off). study_patients.csv: per test patient
the sums that its score is made of, as `contrasts.py` reads them; patients by their number in the table of slices.
"""

import io
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score

from hohoho.errors import InputError
from hohoho.files import write_csv
from hohoho.inference.table import models_in, probabilities_of
from hohoho.labels import LABELS
from hohoho.rows.records import Experiment
from hohoho.rows.run_record import record_of
from hohoho.rows.stale import lines_of_git
from hohoho.scores.f2 import confusion_counts
from hohoho.scores.operating_points import best_f2_threshold
from hohoho.study.plan import MEASURES, R2, plan_hash
from hohoho.study.runs import Run

RUNS, PATIENTS = Path("docs/results/study_runs.csv"), Path("docs/results/study_patients.csv")
PREDICTIONS, LEVELS = "data/predictions.parquet", "metrics/tables/levels_read.csv"
KEYS = ["arm", "seed", "part"]
AT_HALF, AT_BEST, OF_LEVEL = ["tp", "fp", "fn"], ["best_tp", "best_fp", "best_fn"], ["n", "sum", "squares", "errors"]
THRESHOLD = 0.5


def read_tables(runs: Path = RUNS, patients: Path = PATIENTS) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The committed tables; empty where there are none. Raises `InputError` for runs of another plan."""
    if not runs.is_file() or not patients.is_file():
        return pd.DataFrame(columns=[*KEYS, "plan"]), pd.DataFrame(columns=[*KEYS, "patient"])
    table = pd.read_csv(runs, dtype={"plan": str, "commit": str})
    others = sorted(set(table["plan"]) - {plan_hash()[:12]})
    if others:
        raise InputError(f"{runs} holds runs of another plan ({', '.join(others)}): move it away to begin a new study")
    return table, pd.read_csv(patients)


def known_runs(table: pd.DataFrame) -> set[Run]:
    """The runs that a table holds."""
    return {Run(arm, seed) for arm, seed in table[["arm", "seed"]].itertuples(index=False)}


def add_run(tables: tuple[pd.DataFrame, pd.DataFrame], run: Run, experiment: Experiment) -> tuple:
    """Both tables with one more run, which DVC's cache holds."""
    predictions = pd.read_parquet(io.BytesIO(content(experiment, PREDICTIONS)))
    predictions["patient"] = pd.factorize(predictions["patient"])[0]
    found = [part_of(predictions, model) for model in models_in(predictions)]
    if experiment.params["evaluate"]["figures"]:
        levels = pd.read_csv(io.BytesIO(content(experiment, LEVELS)))
        found += [level_part(levels, kind) for kind in MEASURES[R2]]
    lines = (
        pd.DataFrame([line for line, _ in found]).round(6).assign(arm=run.arm, seed=run.seed, **provenance(experiment))
    )
    patients = pd.concat([part.assign(arm=run.arm, seed=run.seed) for _, part in found])
    return tuple(joined(*both) for both in zip(tables, (lines, patients), strict=True))


def joined(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """One table, by arm, seed and part."""
    table = pd.concat([old, new] if len(old) else [new]).sort_values(KEYS, kind="stable")
    return table[[*KEYS, *(name for name in table if name not in KEYS)]]


def part_of(predictions: pd.DataFrame, model: str) -> tuple[dict, pd.DataFrame]:
    """One model's scores on test, and the counts of each test patient, at 0.5 and at its best threshold."""
    labelled = predictions.dropna(subset=LABELS)
    targets, raw = labelled[LABELS].to_numpy() > 0, probabilities_of(labelled, model)
    validation, test = (labelled["split"].to_numpy() == name for name in ("val", "test"))
    best = best_f2_threshold(targets[validation].ravel(), raw[validation].ravel())
    best = float("inf") if best is None else best
    columns = {}
    for names, threshold in ((AT_HALF, THRESHOLD), (AT_BEST, best)):
        counts = confusion_counts(targets[test], raw[test] >= threshold, lambda mask: mask.sum(axis=1))
        columns |= dict(zip(names, counts, strict=False))
    patients = pd.DataFrame(columns).groupby(labelled["patient"].to_numpy()[test]).sum()
    ranked = [c for c in range(len(LABELS)) if 0 < targets[test, c].sum() < test.sum()]
    macro = {
        name: np.mean([score(targets[test, c], raw[test, c]) for c in ranked])
        for name, score in (("average_precision", average_precision_score), ("auroc", roc_auc_score))
    }
    line = {"part": model, "best_threshold": best} | macro
    return line, patients.rename_axis("patient").reset_index().assign(part=model)


def level_part(levels: pd.DataFrame, kind: str) -> tuple[dict, pd.DataFrame]:
    """What the R² of the level that is read off `kind` is made of, per patient: OF_LEVEL."""
    level = levels["level"]
    sums = {"n": 1, "sum": level, "squares": level**2, "errors": (levels[f"r2_{kind}"] - level) ** 2}
    patients = pd.DataFrame(sums, index=levels.index).groupby(levels["patient"]).sum().round(4)
    return {"part": kind}, patients.reset_index().assign(part=kind)


def provenance(experiment: Experiment) -> dict:
    """By which plan, at which commit a run was made, on what and in how many minutes its CNN was trained."""
    record = record_of(experiment) or {"stages": {}}
    training = record["stages"].get("train_cnn") or {}
    known = {key: training.get(key) for key in ("cpu", "precision", "threads")}
    baseline = next(iter(lines_of_git("rev-parse", "--short", f"{experiment.rev}^")), "")
    return {"plan": plan_hash(experiment.rev)[:12], "commit": baseline} | known | {"minutes": training.get("minutes")}


def content(experiment: Experiment, path: str) -> bytes:
    """One output of an experiment, from DVC's cache. Raises `InputError` where it is not there."""
    from dvc.api import read
    from dvc.exceptions import DvcException

    try:
        return read(path, rev=experiment.rev, mode="rb")
    except (DvcException, OSError) as error:
        raise InputError(
            f"{path} of experiment {experiment.name} is not in DVC's cache: `dvc exp pull`? ({error})"
        ) from None


def write_tables(tables: tuple[pd.DataFrame, pd.DataFrame], runs: Path = RUNS, patients: Path = PATIENTS) -> None:
    """Both tables, each at one stroke."""
    write_csv(runs, tables[0])
    write_csv(patients, tables[1])
