"""Many studies, the most urgent first: an answer for each, an index page and a table of all."""

import hashlib
import json
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from hohoho.errors import InputError
from hohoho.files import write_csv, write_parquet
from hohoho.html import write_html
from hohoho.inference.table import CLASSES
from hohoho.machine import cores
from hohoho.predict.models import Models, load_models
from hohoho.predict.new_scan import SUMMARY, write_result
from hohoho.predict.page import share
from hohoho.predict.reading import Read, read_new_scan
from hohoho.predict.result import NOTICE, predict_scan
from hohoho.predict.studies import NewScan, new_scans
from hohoho.scans.scan import Scan
from hohoho.scores.three_answers import BLEED, NO_BLEED, UNCERTAIN
from hohoho.workers import ordered_map

COHORT, INDEX = "cohort", "index.html"
FAILED = "not answered"
URGENCY = (BLEED, UNCERTAIN, FAILED, NO_BLEED)
POLL_S = 5.0  # of a watched folder; a study that is still arriving is left until nothing has come for so long


def triage(root: Path, out: Path, models: Path, workers: int = 0, show_identity: bool = False) -> pd.DataFrame:
    """Answer each study below `root` into a folder of `out`, and write `index.html`, `cohort.csv`, `cohort.parquet`.

    A study that these models have answered there already is left alone, so that an interrupted run goes on, unless it
    has got more images since. One that fails stops no other and is listed with the reason. workers: processes that read
    images, 0 for one a core. Studies are named by a hash of their UIDs; show_identity: also by patient and UID. Returns
    the table, the most urgent first. Raises InputError where there is nothing to answer or `models` are not as needed.
    """
    trained, studies = load_models(models), {name_of(new.uid): new for new in new_scans(root)}
    todo = {name: new for name, new in studies.items() if not answered(out / name, new, trained)}
    failed = dict(_answer_all(todo, out, trained, workers or cores(), show_identity))
    lines = [line(name, new, out / name, failed.get(name)) for name, new in studies.items()]
    table = pd.DataFrame(sorted(lines, key=urgency))
    if not show_identity:
        table = table.drop(columns=["patient", "study_uid"])
    write_csv(out / f"{COHORT}.csv", table)
    write_parquet(out / f"{COHORT}.parquet", table)
    write_index(out / INDEX, table)
    return table


def watch(root: Path, **how: Any) -> Iterator[pd.DataFrame]:
    """`triage` of a folder into which studies come, again whenever something new has arrived completely."""
    if not root.is_dir():
        raise InputError(f"{root} is no folder")
    seen = done = None
    while True:
        found = sorted((f"{path}", path.stat().st_size) for path in root.rglob("*") if path.is_file())
        if found and found == seen and found != done:
            yield triage(root, **how)
            done = found
        seen = found
        time.sleep(POLL_S)


def name_of(uid: str) -> str:
    """Of a study's folder: a hash of its UID."""
    return hashlib.sha256(uid.encode()).hexdigest()[:16]


def answered(folder: Path, new: NewScan, models: Models) -> bool:
    """Whether these models have answered as many images of the study there."""
    if not new.scan or not (folder / SUMMARY).is_file():
        return False
    summary = json.loads((folder / SUMMARY).read_text())
    return summary["model_sha256"] == models.sha256 and summary["images"] == len(new.scan.images)


def line(name: str, new: NewScan, folder: Path, failure: str | None) -> dict:
    """A study's line of the table."""
    summary = json.loads((folder / SUMMARY).read_text()) if failure is None else {}
    answer, scan = summary.get("answer") or {}, summary.get("scan") or {"": {}}
    own = list(scan.values())[-1]
    return {
        "study": name,
        "patient": new.scan.patient if new.scan else None,
        "study_uid": new.uid,
        "answer": answer.get("answer", FAILED),
        **{f"probability_{c}": own.get(c, {}).get("probability") for c in reversed(CLASSES)},
        "slices": summary.get("slices", 0),
        "verdict": summary.get("verdict", new.verdict.word),
        "because": failure or "; ".join(summary["doubts"]),
    }


def urgency(row: dict) -> tuple:
    """What to sort by: bleeds first, then what a person must read, at last what seems to have none."""
    probability = row["probability_any"]
    return URGENCY.index(row["answer"]), -(probability or 0.0), row["study"]


def write_index(path: Path, table: pd.DataFrame) -> None:
    """The page of all studies, each with a link to its own."""
    counts = {answer: int((table["answer"] == answer).sum()) for answer in URGENCY}
    folder = Path(__file__).parent
    values = {"notice": NOTICE, "table": table, "counts": counts, "failed": FAILED}
    values |= {"classes": CLASSES[::-1], "style": (folder / "page.css").read_text(encoding="utf-8")}
    write_html(path, folder / "index.html.j2", {"share": share}, values)


def _answer_all(todo: dict[str, NewScan], out: Path, models: Models, workers: int, show_identity: bool):
    """Yields the name of every study that could not be answered, and why."""
    reading = partial(_read, image_size=models.inputs["image_size"], window=models.window)
    pixels = ordered_map(reading, (new.scan for new in todo.values()), min(workers, max(len(todo), 1)))
    for (name, new), read in zip(todo.items(), tqdm(pixels, "studies", len(todo), unit="study"), strict=True):
        try:
            result = predict_scan(new, models, read) if isinstance(read, Read) else None
        except Exception as error:  # whatever is wrong with one study, the others wait for their answers
            read, result = f"{type(error).__name__}: {error}", None
        if result is None and new.scan:
            yield name, read
        elif result is None or result.table is None:
            yield name, f"{result.said if result else new.verdict}"
        else:
            write_result(result, out / name, models, show_identity)


def _read(scan: Scan | None, image_size: int, window: tuple[float, float]) -> Read | str | None:
    """In a worker: the pixels of a scan, or what went wrong."""
    try:
        return scan and read_new_scan(scan, image_size, window)
    except (OSError, MemoryError, RuntimeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
