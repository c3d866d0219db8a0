"""The numbers at the head of the report."""

from typing import NamedTuple

from hohoho.inference.table import MODEL_NAMES
from hohoho.report.tables import NOTHING, interval, text
from hohoho.scores.evaluation import Evaluation
from hohoho.scores.scan_probability import SENSITIVE

NO_TRUTH = "unknown: no slice of test is labelled"


class Card(NamedTuple):
    """One number to see first."""

    name: str
    value: str
    note: str


def cards(evaluation: Evaluation) -> list[Card]:
    """The headline: F2 of the row's own model, what the LSTM adds, the floor, and scans."""
    headline, own = evaluation.headline, evaluation.details["own_model"]
    f2, gain, scans = headline["f2"], headline.get("lstm_gain"), evaluation.details["scans"][own]["test"]
    shown = [Card(f"F2 on test, {MODEL_NAMES[own]}", text(f2["test"]), note(f2["test"], headline["f2_test_interval"]))]
    if gain:
        difference = NOTHING if gain["f2_test"] is None else f"{gain['f2_test']:+.3f}"
        shown.append(Card("CNN-LSTM minus CNN, F2 on test", difference, note(gain["f2_test"], gain)))
    return [
        *shown,
        Card("F2 on validation", text(f2["val"]), "chosen on this split, so flattering"),
        Card("F2 of answering yes to everything", text(headline["all_positive"]["test"]), "the floor, on test"),
        scan_card(scans and scans[SENSITIVE]["any"]["auroc"]),
    ]


def scan_card(auroc: dict | None) -> Card:
    """Of any bleed, by the scan's own probability."""
    name = "AUROC of any bleed, scan by scan"
    return Card(name, text(auroc["value"]), note(auroc["value"], auroc)) if auroc else Card(name, NOTHING, NO_TRUTH)


def note(value: float | None, ends: dict) -> str:
    """The interval of a score, or why it has none."""
    if value is None:
        return NO_TRUTH
    inside = interval(ends).strip(" ()")
    return f"95 % interval over patients {inside}" if inside else "no interval"
