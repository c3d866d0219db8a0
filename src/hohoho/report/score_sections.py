"""The report's sections on the scores of models, classes and scans."""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd
from markupsafe import Markup

from hohoho.inference.table import MODEL_NAMES
from hohoho.report.forest_sections import CLASS_NAMES, SCAN_SCORES, class_forests, model_forests, scan_forests
from hohoho.report.tables import heading, text
from hohoho.scores.bootstrap import MIN_PATIENTS
from hohoho.scores.evaluation import Evaluation
from hohoho.scores.measures import SCORES
from hohoho.scores.three_answers import ANSWERS, guarantees, read_limits
from hohoho.slices.split import SPLITS, shown_split

POOLINGS = {
    "max": "By the largest value of its slices: raw of each class, calibrated of any",
    "true": "The same, against the phantom's true labels: without the errors that it plants",
    "sensitivity_95": "By the scan's own probability, from the threshold of 95 % sensitivity on validation",
    "youden": "The same, from Youden's threshold: sensitivity + specificity is largest on validation",
}
FITTED_ON = " (fitted on these)"
CALIBRATION_SCORES = ["ECE, raw", "ECE, calibrated", "Brier, raw", "Brier, calibrated"]
DATA_NAMES = {"phantom": "the phantom, synthetic heads that say nothing about patients"}
NO_LABELS = "No slice is labelled here, so slices have no scores."
NO_SCANS = "Of no scan is it known whether it has a bleed, so scans have no scores."


class Section(NamedTuple):
    """One heading of the report with what stands below it."""

    title: str
    text: str
    tables: dict[str, pd.DataFrame] = {}  # by their titles, maybe ""; the first column is a heading
    pictures: dict[str, str] = {}  # file names with their captions
    forests: Sequence[Markup] = ()  # SVG


def models_section(evaluation: Evaluation, source: str) -> Section:
    """Micro F2 of both models on the three splits, with their difference and the floor."""
    details = evaluation.details
    rows = {MODEL_NAMES[model]: scores for model, scores in details["slices"].items()}
    rows |= {"difference, paired": details["lstm_gain"]} if details["lstm_gain"] else {}
    lines = [[name, *(s and s["micro"]["f2"] for s in map(scores.get, SPLITS))] for name, scores in rows.items()]
    if gain := details["lstm_gain_at_best_f2"]:
        lines.append(["difference, each at its own best threshold on validation", *map(gain.get, SPLITS)])
    lines.append(["answering yes to everything", *map(evaluation.headline["all_positive"].get, SPLITS)])
    sizes = details["data"][evaluation.shown]
    intro = f"Data: {DATA_NAMES.get(source, source)}. {evaluation.shown.capitalize()}: {sizes['patients']:,} patients, "
    intro += (
        f"{sizes['studies']:,} scans, {sizes['labelled']:,} labelled slices, {sizes['positives']['any']:,} of them "
    )
    intro += f"with a bleed. Positive from a raw {details['settings']['threshold']:g} up"
    intro += ", smoothed along the scan. " if details["settings"]["smoothing"] else ". "
    resampled = "In brackets 95 % intervals by bootstrap over patients, where at least "
    resampled += f"{MIN_PATIENTS} patients carry the score. They say how scores vary with the patients; another "
    resampled += "seed of the training moves them too."
    intro += resampled if details["settings"]["resamples"] else "No intervals."
    if unlabelled := [split for split in SPLITS if not details["data"][split]["labelled"]]:
        intro += f" No slice is labelled in {', '.join(unlabelled)}: no F2 there."
    return Section("Models", intro, {"": frame(["micro F2", *SPLITS], lines)}, {}, model_forests(evaluation))


def class_section(evaluation: Evaluation) -> Section:
    """Every class's scores by both models, as a table by the row's own one, and what each score means."""
    model = evaluation.details["own_model"]
    scores = evaluation.details["slices"][model][evaluation.shown]
    if not scores:
        return Section("Classes", NO_LABELS)
    loss, calibrated = (text(scores["micro"][f"rsna_log_loss{kind}"]) for kind in ("", "_calibrated"))
    intro = f"On the {evaluation.shown} split, slice by slice. Beside a class: the patients and slices that carry the "
    intro += f"score. RSNA's weighted log loss of the {MODEL_NAMES[model]}: {loss} raw, {calibrated} calibrated."
    meanings = frame(["score", "what it means"], [[heading(name), score.meaning] for name, score in SCORES.items()])
    tables = {MODEL_NAMES[model]: of_classes(scores, {name: name for name in SCORES}), "The scores": meanings}
    return Section("Classes", intro, tables, {}, class_forests(evaluation))


def scan_section(evaluation: Evaluation) -> Section:
    """Sensitivity, specificity and AUROC per scan: by the maximum, and by its own probability."""
    details, model = evaluation.details, evaluation.details["own_model"]
    scans = {split: scores for split, scores in details["scans"][model].items() if scores}
    if not scans:
        return Section("Scans", NO_SCANS)
    split = shown_split(scans)
    intro = f"On the {split} split, the tables by the {MODEL_NAMES[model]}: is there a bleed in this scan at all? "
    intro += (
        "By the maximum, a scan is positive where one of its slices is; its own probability is made of its slices' "
    )
    intro += "and calibrated on validation scans."
    scores = {"max": None, "true": details["true_scans"]} | scans[split]
    shown = {POOLINGS[how]: of_classes(by, SCAN_SCORES) for how, by in scores.items() if by}
    shown |= {"Three answers": answer_table(details["answers"][model], split)}
    return Section("Scans", intro, shown, {}, scan_forests(evaluation, split))


def answer_table(found: dict, split: str) -> pd.DataFrame:
    """What scans with and without a bleed are answered, and what each answer promises."""
    promised, counts = guarantees(read_limits(found["limits"])), found["counts"][split]
    lines = [[answer, counts["bleed"][answer], counts["none"][answer], promised.get(answer)] for answer in ANSWERS]
    return frame(["answer", "scans with a bleed", "without", "guarantee"], lines)


def of_classes(scores: dict[str, dict], columns: dict[str, str]) -> pd.DataFrame:
    """A line per class, micro and macro. columns: name of a score → its heading."""
    lines = [[CLASS_NAMES.get(name, name), *map(row.get, columns)] for name, row in scores.items()]
    return frame(["class", *columns.values()], lines)


def calibration_section(evaluation: Evaluation) -> Section:
    """Calibration error and Brier score before and after, per model and split."""
    lines = [
        [f"{MODEL_NAMES[model]}, {split}{FITTED_ON * (split == 'val')}, {name}", *scores[group].values()]
        for model, splits in evaluation.details["calibration"].items()
        for split, scores in splits.items()
        if scores
        for name, group in (("five classes", "micro"), ("any", "any"))
    ]
    intro = "Temperature and bias per class, fitted on validation. Any: 1 − Π(1 − p) over the classes."
    for model, fitted in evaluation.calibration["models"].items():
        if missing := [label for label, value in fitted["temperature"].items() if value is None]:
            intro += f" {MODEL_NAMES[model]}: no probability of {', '.join(missing)}, which validation does not show."
    return labelled_section("Calibration", intro, frame(["", *CALIBRATION_SCORES], lines))


def frame(columns: list[str], lines: list[list]) -> pd.DataFrame:
    """Values as they are: a column of counts with a gap stays one of counts."""
    return pd.DataFrame(lines, columns=columns, dtype=object)


def labelled_section(title: str, intro: str, table: pd.DataFrame) -> Section:
    """A section that has something to say where slices are labelled."""
    return Section(title, intro, {"": table}) if len(table) else Section(title, NO_LABELS)
