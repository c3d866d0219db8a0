"""Two records of one run beside each other: hash by hash, number by number, each difference with its reason."""

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from hohoho.reproduce.differences import ABSENT, Difference, reasons_for
from hohoho.rows.listing import aligned
from hohoho.stage.record import SCORES


class Mismatch(NamedTuple):
    """An output's hash or a score that came out differently."""

    what: str
    recorded: str
    here: str
    reasons: tuple[str, ...]  # named before the run; none: nobody foresaw it


def mismatches(record: Mapping, repeated: Mapping, named: list[Difference]) -> list[Mismatch]:
    """All of them, in the order of the record. named: what differed before the run."""
    found = []
    for section, path_of in (("hashes", lambda name: name), ("scores", lambda _: str(SCORES))):
        old, new = record[section], repeated[section]
        for name in {**old, **new}:
            was, now = (values.get(name, ABSENT) for values in (old, new))
            if was != now:
                reasons = dict.fromkeys(reason.what for reason in reasons_for(path_of(name), named))
                found.append(Mismatch(name, str(was), str(now), tuple(reasons)))
    return found


def summary(record: Mapping, repeated: Mapping, found: list[Mismatch]) -> str:
    """As text: how many are equal, and a table of what is not."""
    lines = []
    for section, kind in (("hashes", "outputs"), ("scores", "numbers")):
        names = {**record[section], **repeated[section]}
        lines.append(f"{len(names) - sum(m.what in names for m in found)} of {len(names)} {kind} are the same")
    if found:
        cells = [(m.what, m.recorded, m.here, ", ".join(m.reasons) or "NO REASON NAMED") for m in found]
        lines += ["", aligned(pd.DataFrame(cells, columns=["differs", "recorded", "here", "named beforehand"]))]
    return "\n".join(lines)
