"""The report's forest plots: CNN beside CNN-LSTM, by split, by class, by scan and by subgroup."""

from collections.abc import Mapping

import pandas as pd
from markupsafe import Markup

from hohoho.inference.table import MODEL_NAMES
from hohoho.labels import LABELS
from hohoho.report.forest import Options, forest, ticks
from hohoho.report.tables import heading
from hohoho.scores.bootstrap import MIN_PATIENTS
from hohoho.scores.class_scores import MACRO, MICRO
from hohoho.scores.evaluation import Evaluation
from hohoho.scores.measures import COUNT_SCORES, SCORES
from hohoho.slices.split import SPLITS

CLASS_NAMES = {
    "ich": "intraparenchymal (ich)",
    "ivh": "intraventricular (ivh)",
    "sah": "subarachnoid (sah)",
    "sdh": "subdural (sdh)",
    "edh": "epidural (edh)",
}
ALL_NAMES = CLASS_NAMES | {"any": "any bleed", MICRO: "all five, pooled (micro)", MACRO: "mean of the five (macro)"}
RULES = {
    "max": "largest slice, threshold of slices",
    "sensitivity_95": "own probability, 95 % sensitivity",
    "youden": "own probability, Youden's threshold",
}
SCAN_SCORES = {"recall": "sensitivity", "specificity": "specificity", "auroc": "AUROC"}
GAIN = {"gain": "CNN-LSTM minus CNN, paired"}


def model_forests(evaluation: Evaluation) -> list[Markup]:
    """Micro F2 of the splits beside the floor; what the LSTM adds, at one threshold and at the best of each."""
    details, floor = evaluation.details, evaluation.headline["all_positive"]
    splits = [split for split in reversed(SPLITS) if details["data"][split]["labelled"]]
    if not splits:
        return []
    f2 = lines_of({s: {m: of[s][MICRO]["f2"] for m, of in details["slices"].items()} for s in splits})
    f2["mark"] = f2["label"].map(floor).astype(float)
    plots = [forest("Micro F2", f2, Options({"mark": "answering yes to everything"}))]
    same, best = details["lstm_gain"], details["lstm_gain_at_best_f2"]
    chosen = [split for split in splits if split != "train"]  # what has intervals
    gains = {f"{s}, both at the same threshold": {"gain": same[s][MICRO]["f2"]} for s in chosen if same.get(s)}
    gains |= {f"{s}, each at its best on validation": {"gain": best[s]} for s in chosen if best.get(s)}
    if gains:
        zero = Options({"reference": "no difference"}, {GAIN["gain"]: 0.0})
        plots.append(forest("What the LSTM adds: micro F2", lines_of(gains, GAIN), zero))
    return plots


def class_forests(evaluation: Evaluation) -> list[Markup]:
    """A plot for each of SCORES: every class by both models, beside the pooled value."""
    shown, data = evaluation.shown, evaluation.details["data"][evaluation.shown]
    models = {model: splits[shown] for model, splits in evaluation.details["slices"].items()}
    plots = []
    for score in SCORES:
        of_classes = {name: {m: classes[name][score] for m, classes in models.items()} for name in ALL_NAMES}
        counted = {ALL_NAMES[name]: counted_by(score, name, data) for name in of_classes}
        lines = lines_of({ALL_NAMES[name]: of for name, of in of_classes.items()}, counted=counted)
        pooled = {MODEL_NAMES[m]: classes[MICRO][score]["value"] for m, classes in models.items()}
        plots.append(forest(capital(heading(score)), lines, Options({"reference": "pooled"}, pooled)))
    return plots


def scan_forests(evaluation: Evaluation, split: str) -> list[Markup]:
    """Whether a scan has a bleed at all: by its largest slice, and by its own probability; AUROC knows no threshold."""
    scans = {model: splits[split] for model, splits in evaluation.details["scans"].items() if splits[split]}
    lines = {}
    for score, name in SCAN_SCORES.items():
        labels = {rule: label if score in COUNT_SCORES else label.partition(",")[0] for rule, label in RULES.items()}
        of_rules = {rule: {m: of[rule]["any"][score] for m, of in scans.items() if rule in of} for rule in RULES}
        lines[name] = lines_of({labels[rule]: of for rule, of in of_rules.items()})
    axis = ticks(pd.concat(lines.values()))
    return [forest(f"Any bleed in a scan: {name}", part, Options(axis=axis)) for name, part in lines.items()]


def subgroup_forests(evaluation: Evaluation) -> list[Markup]:
    """Recall by every way of grouping, on one axis, beside that of all patients."""
    if evaluation.subgroups.empty:
        return []
    slices = evaluation.details["slices"]
    everybody = {MODEL_NAMES[m]: of[evaluation.shown][MICRO]["recall"]["value"] for m, of in slices.items()}
    lines = {by: group_lines(by, part) for by, part in evaluation.subgroups.groupby("by", sort=False)}
    axis = ticks(pd.concat([*lines.values(), pd.DataFrame({"mark": everybody})]))
    options = Options({"reference": "all patients"}, everybody, axis)
    return [forest(f"Recall by {by.replace('_', ' ')}", part, options) for by, part in lines.items()]


def group_lines(by: str, groups: pd.DataFrame) -> pd.DataFrame:
    """Lines of the recall of some groups. groups: rows of `hohoho.scores.subgroups`, of all models."""
    entries, counted = {}, {}
    for group in groups.itertuples():
        label = group.group.removeprefix(f"{by} ")
        score = {"value": group.recall, "low": group.recall_low, "high": group.recall_high}
        entries.setdefault(label, {})[group.model] = score | {"patients": group.with_bleed}
        counted[label] = f", {group.positives:,} positives"
    return lines_of(entries, counted=counted)


def lines_of(
    entries: Mapping[str, Mapping[str, dict]],
    series: Mapping[str, str] = MODEL_NAMES,
    counted: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """The table for `forest`. entries: label → model → score with `patients`; counted: what else a label has."""
    lines = [
        {"label": label, "series": series[model], **score, "note": note(score, (counted or {}).get(label, ""))}
        for label, scores in entries.items()
        for model, score in scores.items()
    ]
    return pd.DataFrame(lines, columns=["label", "series", "value", "low", "high", "patients", "note"])


def note(score: Mapping, counted: str = "") -> str:
    """Who carries a score; before it, why it has no interval."""
    patients = score["patients"]
    if pd.isna(patients):
        who = "patients not told (private data)"
    else:
        who = f"{patients:,} patient{'' if patients == 1 else 's'}{counted}"
    if pd.isna(score["value"]):
        return f"not defined: {who}"
    if not pd.isna(score["low"]):
        return who
    if pd.isna(patients) or patients < MIN_PATIENTS:
        return f"no interval: {who}"
    return f"no interval, {'it never varies' if score['value'] in (0, 1) else 'not resampled'}: {who}"


def counted_by(score: str, name: str, data: Mapping) -> str:
    """How many slices of a class carry a score; of all classes together, positives or negatives; else nothing."""
    positives = data["positives"] | {MICRO: sum(data["positives"][label] for label in LABELS)}
    if name not in positives:
        return ""
    of_all = data["labelled"] * (len(LABELS) if name == MICRO else 1)
    counts = {"positives": positives[name], "negatives": of_all - positives[name]}
    carried = [(counts[group], group) for group in SCORES[score].carried_by if group in counts]
    return f", {min(carried)[0]:,} {min(carried)[1] if name == MICRO else 'slices'}" if carried else ""


def capital(words: str) -> str:
    """The first letter as a sentence has it."""
    return words[:1].upper() + words[1:]
