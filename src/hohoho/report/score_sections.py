"""The report's sections on the scores, from the record that `hohoho.scores.evaluation` makes."""

from typing import NamedTuple

from hohoho.inference.table import MODEL_NAMES
from hohoho.labels import LABELS
from hohoho.report.score_tables import point_table, smoothing_table, subgroup_table
from hohoho.report.tables import Table, heading, score, text
from hohoho.scores.evaluation import Evaluation
from hohoho.scores.subgroups import MIN_PATIENTS
from hohoho.slices.split import SPLITS

CLASS_NAMES = {
    "ich": "intraparenchymal (ich)",
    "ivh": "intraventricular (ivh)",
    "sah": "subarachnoid (sah)",
    "sdh": "subdural (sdh)",
    "edh": "epidural (edh)",
}
SCAN_SCORES = ("recall", "specificity", "auroc")
POOLINGS = {
    "max": "By the largest raw probability of the scan",
    "noisy_or": "By noisy-or over its slices, calibrated",
}
DATA_NAMES = {"phantom": "the phantom, synthetic heads that say nothing about patients"}
NO_LABELS = "No slice is labelled here, so slices have no scores."
NO_SCANS = "Of no scan is it known whether it has a bleed, so scans have no scores."


class Section(NamedTuple):
    """One heading of the report with what stands below it; pictures are file names with their captions."""

    title: str
    text: str
    tables: list[Table]
    pictures: dict[str, str]


def shown_split(scores: dict) -> str | None:
    """Test, or where it has no labels validation, then train; None without any. scores: split → scores or None."""
    return next((split for split in reversed(SPLITS) if scores.get(split)), None)


def models_section(found: Evaluation, source: str) -> Section:
    """Micro F2 of both models on the three splits, with their difference and the floor."""
    slices = found.details["slices"]
    lines = [
        [MODEL_NAMES[model], *(score(scores[split] and scores[split]["micro"]["f2"]) for split in SPLITS)]
        for model, scores in slices.items()
    ]
    if gain := found.details["lstm_gain"]:
        lines.append(["difference, paired", *(score(gain[split] and gain[split]["micro"]["f2"]) for split in SPLITS)])
    floor = ["answering yes to everything", *(text(found.headline["all_positive"][split]) for split in SPLITS)]
    table = Table(["micro F2", *SPLITS], [*lines, floor])
    return Section("Models", f"Data: {DATA_NAMES.get(source, source)}. {_how_scored(found.details)}", [table], {})


def _how_scored(details: dict) -> str:
    settings = details["settings"]
    said = [f"Positive from a raw {settings['threshold']:g} up{', smoothed along the scan' * settings['smoothing']}."]
    said += ["In brackets 95 % intervals by bootstrap over patients." if settings["resamples"] else "No intervals."]
    unlabelled = [split for split in SPLITS if not details["data"][split]["labelled"]]
    said += [f"No slice is labelled in {', '.join(unlabelled)}: no F2 there."] if unlabelled else []
    return " ".join(said)


def class_section(found: Evaluation) -> Section:
    """Every class's scores by the row's own model."""
    details, model = found.details, found.details["own_model"]
    split = shown_split(details["slices"][model])
    if split is None:
        return Section("Classes", NO_LABELS, [], {})
    scores = details["slices"][model][split]
    columns = list(scores[LABELS[0]])  # whatever is scored per class is shown
    lines = [
        [CLASS_NAMES.get(name, name), *(score(part[column]) for column in columns)] for name, part in scores.items()
    ]
    loss = f"RSNA's weighted log loss: {score(scores['micro']['rsna_log_loss'])} raw, "
    loss += f"{score(scores['micro']['rsna_log_loss_calibrated'])} calibrated."
    table = Table(["class", *map(heading, columns)], lines)
    return Section("Classes", f"{MODEL_NAMES[model]}, {split} split, slice by slice. {loss}", [table], {})


def scan_section(found: Evaluation) -> Section:
    """Sensitivity, specificity and AUROC per scan, by the maximum and by noisy-or."""
    details, model = found.details, found.details["own_model"]
    scans = details["scans"][model]
    split = shown_split(scans)
    if split is None:
        return Section("Scans", NO_SCANS, [], {})
    tables = [_scan_table(how, by_class) for how, by_class in scans[split].items()]
    intro = f"{MODEL_NAMES[model]}, {split} split: is there a bleed in this scan at all? "
    intro += f"Positive from {details['settings']['threshold']:g} up, before any smoothing."
    if not found.calibration["models"][model]["fitted_slices"]:
        intro += " Without labelled slices in validation nothing is calibrated: noisy-or takes raw probabilities."
    return Section("Scans", intro, tables, {})


def _scan_table(how: str, by_class: dict) -> Table:
    lines = [
        [CLASS_NAMES.get(name, name), *(score(part[each]) for each in SCAN_SCORES)] for name, part in by_class.items()
    ]
    return Table(["class", "sensitivity", "specificity", "AUROC"], lines, POOLINGS[how])


def calibration_section(found: Evaluation) -> Section:
    """Calibration error and Brier score before and after, per model and split."""
    lines = [
        [f"{MODEL_NAMES[model]}, {split}", *(text(part["micro"][name]) for name in part["micro"])]
        for model, splits in found.details["calibration"].items()
        for split, part in splits.items()
        if part
    ]
    head = ["", "ECE, raw", "ECE, calibrated", "Brier, raw", "Brier, calibrated"]
    return Section(
        "Calibration",
        "Temperature and bias per class, fitted on validation." if lines else NO_LABELS,
        [Table(head, lines)] if lines else [],
        {},
    )


def point_section(found: Evaluation) -> Section:
    """Thresholds chosen on validation and what they give on test."""
    points = found.curves["operating_points"]
    intro = "Thresholds of the raw probability, chosen on validation, never on test; scored without smoothing."
    return _section("Operating points", intro, point_table(points))


def subgroup_section(found: Evaluation) -> Section:
    """The row's own model, group by group."""
    details = found.details
    split = "test" if details["data"]["test"]["labelled"] else "val"
    intro = f"{MODEL_NAMES[details['own_model']]}, {split} split. F2 and precision rise with the share of positives: "
    intro += f"compare recall and AUROC. No interval below {MIN_PATIENTS} patients: it would promise too much."
    return _section("Where it fails", intro, subgroup_table(found.subgroups))


def smoothing_section(found: Evaluation) -> Section:
    """What closing 101 and dropping 010 along the scan would gain and lose, on the split shown."""
    counts, own = found.smoothing, found.details["own_model"]
    split = shown_split(found.details["slices"][own])
    own_counts = counts[(counts["model"] == own) & (counts["split"] == split)]
    intro = (
        f"101 → 111, then 010 → 000, along a scan: {MODEL_NAMES[own]}, {split} split. What it erases are true bleeds."
    )
    return _section("Smoothing", intro, smoothing_table(own_counts))


def _section(title: str, intro: str, table: Table) -> Section:
    return Section(title, intro, [table], {}) if table.lines else Section(title, NO_LABELS, [], {})
