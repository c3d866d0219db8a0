"""The report's sections on the scores, from the record that `hohoho.scores.evaluation` makes."""

from typing import NamedTuple

from hohoho.report.score_tables import point_table, smoothing_table, subgroup_table
from hohoho.report.tables import NOTHING, Table, heading, interval, score, text
from hohoho.scores.evaluation import Evaluation
from hohoho.split import SPLITS

MODEL_NAMES = {"cnn": "CNN", "cnn_lstm": "CNN-LSTM"}
CLASS_NAMES = {
    "ich": "intracerebral (ich)",
    "ivh": "intraventricular (ivh)",
    "sah": "subarachnoid (sah)",
    "sdh": "subdural (sdh)",
    "edh": "epidural (edh)",
}
SLICE_SCORES = ("f2", "precision", "recall", "specificity", "average_precision", "auroc")
SCAN_SCORES = ("recall", "specificity", "auroc")
POOLINGS = {"max": "By the largest probability of the scan", "noisy_or": "By noisy-or over its slices"}
NO_LABELS = "No labels, so no scores."


class Section(NamedTuple):
    """One heading of the report with what stands below it; pictures are file names with their captions."""

    title: str
    text: str
    tables: list[Table]
    pictures: dict[str, str]


class Card(NamedTuple):
    """One number to see first."""

    name: str
    value: str
    note: str


def cards(headline: dict, own_model: str) -> list[Card]:
    """The headline: F2 of the row's own model, what the LSTM adds, the floor, and scans."""
    f2, gain, scans = headline["f2"], headline.get("lstm_gain"), headline["scan_test"]
    found = [
        Card(f"F2 on test, {MODEL_NAMES[own_model]}", text(f2["test"]), _interval(headline["f2_test_interval"])),
        Card("F2 on validation", text(f2["val"]), "chosen on this split, so flattering"),
        Card("F2 of answering yes to everything", text(headline["all_positive"]["test"]), "the floor, on test"),
    ]
    if gain:
        found.insert(1, Card("CNN-LSTM minus CNN, F2 on test", _signed(gain["f2_test"]), _interval(gain)))
    return [
        *found,
        Card("AUROC of any bleed, scan by scan", text(scans and scans["any_auroc"]), "by the maximum, on test"),
    ]


def _interval(ends: dict | None) -> str:
    inside = interval(ends).strip(" ()") if ends else ""
    return f"95 % interval over patients {inside}" if inside else "no interval"


def _signed(value: float | None) -> str:
    return NOTHING if value is None else f"{value:+.3f}"


def shown_split(scores: dict) -> str | None:
    """Test, or where it has no labels validation, then train; None without any. scores: split → scores or None."""
    return next((split for split in reversed(SPLITS) if scores.get(split)), None)


def models_section(found: Evaluation) -> Section:
    """Micro F2 of both models on the three splits, with the floor."""
    slices = found.details["slices"]
    lines = [
        [MODEL_NAMES[model], *(score(scores[split] and scores[split]["micro"]["f2"]) for split in SPLITS)]
        for model, scores in slices.items()
    ]
    floor = ["answering yes to everything", *(text(found.headline["all_positive"][split]) for split in SPLITS)]
    table = Table(["micro F2", *SPLITS], [*lines, floor])
    return Section("Models", "Threshold as set; 95 % intervals by bootstrap over patients.", [table], {})


def class_section(found: Evaluation) -> Section:
    """Every class's scores by the row's own model."""
    details, model = found.details, found.details["own_model"]
    split = shown_split(details["slices"][model])
    if split is None:
        return Section("Classes", NO_LABELS, [], {})
    scores = details["slices"][model][split]
    lines = [
        [CLASS_NAMES.get(name, name), *(score(part[each]) for each in SLICE_SCORES)] for name, part in scores.items()
    ]
    loss = f"RSNA's weighted log loss: {score(scores['micro']['rsna_log_loss'])} raw, "
    loss += f"{score(scores['micro']['rsna_log_loss_calibrated'])} calibrated."
    table = Table(["class", *(heading(each) for each in SLICE_SCORES)], lines)
    return Section("Classes", f"{MODEL_NAMES[model]}, {split} split, slice by slice. {loss}", [table], {})


def scan_section(found: Evaluation) -> Section:
    """Sensitivity, specificity and AUROC per scan, by the maximum and by noisy-or."""
    details, model = found.details, found.details["own_model"]
    scans = details["scans"][model]
    split = shown_split(scans)
    if split is None:
        return Section("Scans", NO_LABELS, [], {})
    tables = [_scan_table(how, by_class) for how, by_class in scans[split].items()]
    return Section("Scans", f"{MODEL_NAMES[model]}, {split} split: is there a bleed in this scan at all?", tables, {})


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
    intro = "Thresholds are chosen on validation, never on test; the headline is the first."
    return _section("Operating points", intro, point_table(points))


def subgroup_section(found: Evaluation) -> Section:
    """The row's own model, group by group."""
    intro = "The row's own model. F2 and precision rise with the share of positives: compare recall and AUROC."
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
