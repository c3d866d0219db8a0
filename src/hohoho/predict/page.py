"""report.html of one study: one file that needs no network, to look at the answer and at what it rests on."""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hohoho.html import write_html
from hohoho.inference.table import CLASSES, MODEL_NAMES
from hohoho.predict.models import Models
from hohoho.predict.page_data import page_data, script_json
from hohoho.predict.result import NOTICE, Result, heights
from hohoho.scans.verdict import VERDICTS

NAMES = dict(
    zip(CLASSES, ("intraparenchymal", "intraventricular", "subarachnoid", "subdural", "epidural", "any"), strict=True)
)
COLORS = dict(zip(CLASSES, ("#0072b2", "#009e73", "#b37400", "#b0578f", "#d55e00", "#111827"), strict=True))
CHART = (1000, 220)  # of the curves, in units of the SVG


class Curve(NamedTuple):
    """One class along the scan."""

    name: str
    color: str
    paths: list[str]  # SVG, one per run of adjacent slices


def write_page(path: Path, result: Result, models: Models, show_identity: bool = False) -> None:
    """Write the page; the same result gives the same bytes. Nothing that names the patient, unless it is asked for."""
    folder, scan, summary = Path(__file__).parent, result.new.scan, result.summary
    values = {
        "notice": NOTICE,
        "answer": summary["answer"],
        "summary": summary,
        "model": MODEL_NAMES[list(summary["scan"])[-1]],
        "lines": class_lines(result),
        "curves": curves(result),
        "ticks": ticks(result),
        "chart": CHART,
        "colors": COLORS,
        "notes": notes(result),
        "has_saliency": models.classifier is not None,
        "identity": {"patient": scan.patient, "study": scan.study} if show_identity else {},
        "data": script_json(page_data(result, models, NAMES, COLORS)),
        "style": (folder / "page.css").read_text(encoding="utf-8"),
        "script": (folder / "page.js").read_text(encoding="utf-8"),
    }
    write_html(path, folder / "page.html.j2", {"share": share, "sentence": sentence}, values)


def class_lines(result: Result) -> list[dict]:
    """A line per class: what the scan is given, and where it is strongest."""
    own = list(result.summary["scan"].values())[-1]
    strongest, millimetres = result.probabilities.argmax(axis=0), heights(result)
    return [
        own[name] | {"key": name, "name": NAMES[name], "slice": int(place) + 1, "mm": float(millimetres[place])}
        for name, place in reversed(list(zip(CLASSES, strongest, strict=True)))
    ]


def curves(result: Result) -> list[Curve]:
    """Every class's probability along the scan, broken where a slice is missing."""
    x, y = CHART[0] * _shares(heights(result)), CHART[1] * (1 - result.probabilities)
    return [
        Curve(NAMES[name], COLORS[name], [_path(x[run], y[run, column]) for run in result.runs])
        for column, name in enumerate(CLASSES)
    ]


def ticks(result: Result) -> list[tuple[float, str]]:
    """Where millimetres stand under the curves."""
    length = max(heights(result)[-1], 1.0)
    step = next((step for step in (5, 10, 20, 50, 100) if length / step <= 12), length / 12)
    return [(CHART[0] * at / length, f"{at:g}") for at in np.arange(0, length + 0.1, step)]


def notes(result: Result) -> list[tuple[str, str, int]]:
    """All that ingest would say of the scan: action, reason, how many slices."""
    reasons = result.summary["reasons"]
    return [
        (action, reason.replace("_", " "), count)
        for action in reversed(VERDICTS)
        for reason, count in reasons.get(action, {}).items()
    ]


def sentence(words: str) -> str:
    """With a capital, and all other letters as they are."""
    return words[:1].upper() + words[1:]


def share(value: float | None) -> str:
    """A probability as it is read, never as certainty; – where it is unknown."""
    if value is None or math.isnan(value):
        return "–"
    return "< 0.01" if value < 0.005 else "> 0.99" if value > 0.995 else f"{value:.2f}"


def _shares(values: np.ndarray) -> np.ndarray:
    return values / max(values[-1], 1.0)


def _path(x: np.ndarray, y: np.ndarray) -> str:
    x, y = (np.r_[values, values] if len(values) == 1 else values for values in (x, y))  # a lone slice is a dot
    return "M" + "L".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
