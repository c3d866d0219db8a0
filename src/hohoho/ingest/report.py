"""What an ingest did: counts for the metrics, and one line for every kind of thing in every study."""

from itertools import groupby

import pandas as pd

from hohoho.labels import LABELS
from hohoho.pseudonyms import pseudonym
from hohoho.scans.scan import REFUSED, REPAIRED, SKIPPED, WARNED, Note, count_reasons
from hohoho.scans.verdict import VERDICTS, Verdict
from hohoho.slices.store import SCAN_ANY, SCAN_LABELS

LINE_COLUMNS = ["action", "reason", "study", "file", "slices", "count", "verdict"]


def count(
    files: int, slices: pd.DataFrame, studies: pd.DataFrame, notes: list[Note], found: dict[str, Verdict]
) -> dict:
    """Counts of one ingest, by kind; flat and short enough for `dvc metrics show`. slices, studies: the tables."""
    labels = slices[LABELS]
    known, positives = labels.notna().sum(), _positives(labels)
    return {
        "files": files,
        "studies": int(slices["study"].nunique()),
        "patients": int(slices["patient"].nunique()),
        "slices": len(slices),
        "labelled_slices": int(labels.notna().all(axis=1).sum()),
        "positives": positives,
        "neg_per_pos": {name: round(float((known[name] - n) / n), 2) if n else None for name, n in positives.items()},
        "verdicts": {word: n for word in VERDICTS if (n := sum(verdict.word == word for verdict in found.values()))},
        **{action: count_reasons(notes, action) for action in (SKIPPED, REPAIRED, WARNED, REFUSED)},
    } | _scan_label_counts(studies)


def _scan_label_counts(studies: pd.DataFrame) -> dict:
    """How many scans are labelled as a whole, with and without their types, and how many of all are positive."""
    labels = studies[[*SCAN_LABELS, SCAN_ANY]].set_axis([*LABELS, "any"], axis=1)
    known = labels.notna()
    if not known.any(axis=None):
        return {}
    untyped = known["any"] & ~known[LABELS].all(axis=1)
    counts = {"labelled_scans": int(known.all(axis=1).sum()), "scans_of_unknown_type": int(untyped.sum())}
    return counts | {"positive_scans": _positives(labels)}


def _positives(labels):
    return {name: int(n) for name, n in labels.sum().items()}


def report_lines(notes: list[Note], found: dict[str, Verdict], key: bytes, root: str) -> pd.DataFrame:
    """One row for every action and reason in every study; a file of no known study has a row of its own.

    Columns: action, reason, study and file (pseudonyms, empty where not meant), slices (indices foot to head, "0-3 7"),
    count, verdict (on the study). root: where the data lie. Sorted and free of places, so that every machine writes
    the same lines.
    """
    groups = {}
    for note in notes:
        file = note.item if note.study is None else None
        groups.setdefault((note.action, note.reason, note.study, file), []).append(note.index)
    lines = []
    for (action, reason, study, file), indices in groups.items():
        word = found[study].word if study in found else ""
        study = "" if study is None else pseudonym(key, "study", study)
        file = "" if file is None else pseudonym(key, "file", file.removeprefix(f"{root}/"))
        slices = _ranges([index for index in indices if index is not None])
        lines.append((action, reason, study, file, slices, len(indices), word))
    return pd.DataFrame(sorted(lines), columns=LINE_COLUMNS)


def _ranges(indices):
    """Whole numbers as text, runs joined: [0, 1, 2, 7] → "0-2 7"."""
    places = enumerate(sorted(set(indices)))
    runs = [[number for _, number in run] for _, run in groupby(places, key=lambda place: place[1] - place[0])]
    return " ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
