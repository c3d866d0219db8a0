"""What an adoption found, and its sentences: what was lost, what recalibration gives back, and what it cannot."""

from typing import NamedTuple

from hohoho.inference.table import MODEL_NAMES
from hohoho.package.shown import SCAN_AUROC, SCAN_ERROR, SCAN_SENSITIVITY, SCAN_SPECIFICITY
from hohoho.report.tables import text
from hohoho.scores.bootstrap import MIN_PATIENTS

TO_HALVE = 3  # times as many more: the width of an interval falls with the root of the number of patients


class Findings(NamedTuple):
    """adoption.json. Scores are those of hohoho.package.shown: name → {value, low, high, patients}."""

    source: str  # that the models were trained on
    model: str  # that is judged
    patients: dict[str, int]  # in each part
    bleeding: int  # scans with a bleed
    scans: int  # labelled ones
    ingest: dict  # what ingest found
    own_test: dict | None  # of the run that trained the models, where the package has it
    as_it_came: dict  # on all labelled patients
    before: dict  # on the part that tests, as it came
    after: dict  # on the same part, recalibrated
    answers: dict  # before, after → with a bleed, without → how many scans get which of three answers
    guarantees: dict[str, str]  # of the recalibrated answers
    threshold: dict[str, float]  # raw, of slices: before, after
    shift: list[dict]  # how the scans differ from training


def sentences(found: Findings) -> list[str]:
    """What a reader must know, the most important first."""
    lines = [
        f"{found.scans} labelled scans of {sum(found.patients.values())} patients, {found.bleeding} with a bleed: "
        f"{MODEL_NAMES[found.model]} trained on {found.source}."
    ]
    names = (SCAN_AUROC, SCAN_SENSITIVITY, SCAN_SPECIFICITY)
    there = found.own_test or {}
    for name in names:
        own = f"; on its own test patients {text(there[name])}" if name in there else ""
        lines.append(f"{name}, as it came: {text(found.as_it_came[name])}{own}.")
    lines.append(
        f"Recalibrated on {found.patients['val']} patients, tested on {found.patients['test']} others: of any bleed in "
        f"a scan, calibration error {change(found, SCAN_ERROR)}, sensitivity {change(found, SCAN_SENSITIVITY)}, "
        f"specificity {change(found, SCAN_SPECIFICITY)}."
    )
    lines.append(
        "What recalibration cannot give back: which scans look more like a bleed of a type. Within a type the order of "
        "scans stays as it was; that of any bleed changes only by how the types are weighed (AUROC there "
        f"{change(found, SCAN_AUROC)}). For more, models must be trained on scans like these."
    )
    lines += [f'"{answer}": {promise}.' for answer, promise in found.guarantees.items()]
    return lines + [more_scans(name, found.as_it_came[name]) for name in names]


def change(found: Findings, name: str) -> str:
    """ "0.201 → 0.052", on the part that tests."""
    return f"{text(found.before[name]['value'])} → {text(found.after[name]['value'])}"


def more_scans(name: str, score: dict) -> str:
    """How many more labelled patients would halve the interval of a score."""
    carried = score["patients"]
    if score["low"] is None:
        if (carried or 0) >= MIN_PATIENTS:
            return f"{name}: no interval, because it is the same for each of {carried} patients."
        return f"{name}: no interval, because {carried or 0} patients carry it; {MIN_PATIENTS} are needed."
    width = score["high"] - score["low"]
    return (
        f"{name}: the interval is {width:.3f} wide and carried by {carried} patients; {TO_HALVE * carried} more of "
        "that kind would halve it."
    )
