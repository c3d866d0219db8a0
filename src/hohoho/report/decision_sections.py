"""The report's sections on decisions: where the threshold lies, where they fail, what smoothing does to them."""

import pandas as pd

from hohoho.inference.table import MODEL_NAMES
from hohoho.labels import LABELS
from hohoho.report.forest_sections import subgroup_forests
from hohoho.report.score_sections import Section, labelled_section
from hohoho.scores.bootstrap import MIN_PATIENTS
from hohoho.scores.evaluation import Evaluation
from hohoho.scores.subgroups import FEWEST_PATIENTS

POINTS = {
    "fixed": "as set",
    "f2_global": "best F2, one for all",
    "f2_per_class": "best F2, per class",
    "scan_sensitivity_95": "95 % scan sensitivity",
}
POINT_SCORES = ["f2_val", "f2_test", "precision_test", "recall_test", "scan_sensitivity_test", "scan_specificity_test"]


def point_section(evaluation: Evaluation) -> Section:
    """Thresholds chosen on validation and what they give on test."""
    points = evaluation.curves["operating_points"]
    names = [point.partition(", ")[::2] for point in points["point"]]
    table = points[[*(f"threshold_{label}" for label in LABELS), *POINT_SCORES]]
    table = table.rename(columns=lambda name: name.removeprefix("threshold_"))
    table.insert(0, "threshold", [f"{MODEL_NAMES[model]}, {POINTS.get(name, name)}" for model, name in names])
    intro = "Thresholds of the raw probability, chosen on validation, never on test; scored without smoothing."
    return labelled_section("Operating points", intro, table)


def subgroup_section(evaluation: Evaluation) -> Section:
    """Recall of both models, group by group; all scores of the row's own model."""
    intro = (
        f"On the {evaluation.shown} split; the table is the {MODEL_NAMES[evaluation.details['own_model']]}'s. Beside a "
    )
    intro += "group: its patients with a bleed, and its positives, slices × classes. F2 and precision rise with the "
    intro += "share of positives: compare recall and AUROC. "
    intro += f"No interval below {MIN_PATIENTS} patients with a bleed: it would promise too much."
    intro += f" Of private data, groups of fewer than {FEWEST_PATIENTS} patients are left out."
    if evaluation.subgroups.empty and evaluation.details["data"][evaluation.shown]["labelled"]:
        return Section("Where it fails", intro)  # they are all left out
    section = labelled_section("Where it fails", intro, subgroup_table(evaluation.own_subgroups()))
    return section._replace(forests=subgroup_forests(evaluation))


def subgroup_table(groups: pd.DataFrame) -> pd.DataFrame:
    """A line per group of `hohoho.scores.subgroups`."""
    names = zip(groups["by"], groups["group"], strict=True)
    table = groups[
        ["group", "patients", "with_bleed", "slices", "positives", "f2", "recall", "precision", "specificity", "auroc"]
    ]
    return table.assign(
        group=[by.replace("_", " ") + name.removeprefix(by) for by, name in names],  # a kernel's name stays as it is
        f2=with_ends(groups, "f2"),
        recall=with_ends(groups, "recall"),
        bleeds_found=[
            None if pd.isna(bleeds) else f"{hit} of {bleeds}"
            for hit, bleeds in zip(groups["bleeds_found"], groups["bleeds"], strict=True)
        ],
    )


def smoothing_section(evaluation: Evaluation) -> Section:
    """What closing 101 and dropping 010 along the scan would gain and lose, on the split shown."""
    own, counts = evaluation.details["own_model"], evaluation.smoothing
    counts = counts[(counts["model"] == own) & (counts["split"] == evaluation.shown)]
    intro = f"101 → 111, then 010 → 000, along a scan: {MODEL_NAMES[own]}, {evaluation.shown} split. "
    intro += "What it erases are true bleeds."
    return labelled_section("Smoothing", intro, smoothing_table(counts) if len(counts) else counts)


def smoothing_table(counts: pd.DataFrame) -> pd.DataFrame:
    """A line per class of `hohoho.scores.bleeds.smoothing_counts`."""
    changed = {
        f"{kind}: right / wrong": [
            f"{right} / {wrong}"
            for right, wrong in zip(*(counts[f"{kind}_{by}"] for by in ("right", "wrong")), strict=True)
        ]
        for kind in ("filled", "dropped")
    }
    single = {"": "single-slice bleeds", "_found": "found", "_erased": "erased"}
    return pd.DataFrame(
        {"class": counts["class"], "F2": counts["f2"], "F2, smoothed": counts["f2_smoothed"]}
        | {"gain": with_ends(counts, "gain"), **changed}
        | {name: counts[f"single_slice_bleeds{kind}"] for kind, name in single.items()}
    )


def with_ends(table: pd.DataFrame, name: str) -> list[dict]:
    """A score and its interval as one cell, of three columns."""
    columns = {"value": table[name], "low": table[f"{name}_low"], "high": table[f"{name}_high"]}
    return pd.DataFrame(columns).to_dict("records")
