"""What differs between a recorded run and one on this machine, and what that may do to the results."""

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from hohoho.params import PARAMS, flat
from hohoho.rows.listing import aligned
from hohoho.stage.inputs import outputs, stage_blocks, stage_code, stages_before

HARMLESS, DIGITS, RESULTS = "harmless", "may change digits", "will change results"
ABSENT = "–"
HARMLESS_PACKAGES = ("dvc", "jsonschema", "omegaconf", "psutil", "pyyaml", "threadpoolctl", "tqdm", "xxhash")
HARMLESS_PARAMS = ("row", "edit", "data.root", "data.labels")
COMPUTED_ON = {"cpu": DIGITS, "units": DIGITS, "system": DIGITS, "device": DIGITS, "threads": DIGITS, "ranks": DIGITS}
COMPUTED_ON |= {"precision": RESULTS}
SHOWN_FILES = 3


class Difference(NamedTuple):
    """One thing that is not as it was recorded."""

    what: str
    recorded: str
    here: str
    grade: str  # HARMLESS: the same bytes; DIGITS: sums round differently, which a training amplifies; RESULTS
    stages: tuple[str, ...]  # whose outputs it can change directly


def differences(record: Mapping, here: Mapping) -> list[Difference]:
    """All of them, the graver ones first. here: of `hohoho.reproduce.here.expected`."""
    blocks = stage_blocks()
    found = [*of_params(record["params"], here["params"], blocks), *of_code(record["code"], here["code"], blocks)]
    found += [*of_packages(record["packages"], here["packages"], tuple(blocks)), *of_machines(record, here)]
    return sorted(found, key=lambda difference: -(HARMLESS, DIGITS, RESULTS).index(difference.grade))


def of_params(recorded: Mapping, here: Mapping, blocks: Mapping) -> list[Difference]:
    """`runtime` aside: what it comes to is compared of each stage."""
    old, new = ({k: v for k, v in flat(p).items() if not k.startswith("runtime.")} for p in (recorded, here))
    found = []
    for name in {**old, **new}:
        was, now = (str(values.get(name, ABSENT)) for values in (old, new))
        users = (s for s, b in blocks.items() if any(f"{name}.".startswith(f"{p}.") for p in b.get("params", [])))
        stages = tuple(users)
        grade = RESULTS if stages and name not in HARMLESS_PARAMS else HARMLESS
        if was != now and name != "edit":
            found.append(Difference(f"{PARAMS}: {name}", was, now, grade, stages))
    return found


def of_code(recorded: Mapping, here: Mapping, blocks: Mapping) -> list[Difference]:
    """Files with the same users together. What a change of code does nobody knows before: it counts as the worst."""
    changed = sorted(path for path in {**recorded, **here} if recorded.get(path) != here.get(path))
    by_users = {}
    for path in changed:
        users = tuple(stage for stage, block in blocks.items() if stage_code(block, {path: ""}))
        by_users.setdefault(users, []).append(path)
    found = []
    for users, paths in by_users.items():
        more = f" and {len(paths) - SHOWN_FILES} more" if len(paths) > SHOWN_FILES else ""
        found.append(Difference("code", "", ", ".join(paths[:SHOWN_FILES]) + more, RESULTS, users))
    return found


def of_packages(recorded: Mapping, here: Mapping, stages: tuple[str, ...]) -> list[Difference]:
    """Python and the pinned packages; those that compute nothing are harmless."""
    return [
        Difference(name, was, now, HARMLESS if name in HARMLESS_PACKAGES else DIGITS, stages)
        for name in {**recorded, **here}
        if (was := recorded.get(name, ABSENT)) != (now := here.get(name, ABSENT))
    ]


def of_machines(record: Mapping, here: Mapping) -> list[Difference]:
    """On what each stage ran and would run; the same difference of several stages once."""
    stages = {}
    for stage, now in here["stages"].items():
        was = record["stages"].get(stage)
        if not was:  # DVC took it from its cache, and nobody knows who had put it there
            stages.setdefault(("machine", "not recorded", now["cpu"], DIGITS), []).append(stage)
            continue
        for name, grade in COMPUTED_ON.items():
            old, new = was.get(name), now[name]
            if stage == "simclr_pretrain" and name == "ranks":
                grade = RESULTS  # each has its own negatives
            if old != new:
                stages.setdefault((name, str(old), str(new), grade), []).append(stage)
    return [Difference(*what, tuple(users)) for what, users in stages.items()]


def table(found: list[Difference]) -> str:
    """As text, for a reader."""
    lines = [(d.what, d.recorded, d.here, d.grade, stages_text(d.stages)) for d in found]
    return aligned(pd.DataFrame(lines, columns=["differs", "recorded", "here", "effect", "stages"]))


def stages_text(stages: tuple[str, ...]) -> str:
    """Names of stages, or that it is all of them."""
    return "all" if list(stages) == list(stage_blocks()) else ", ".join(stages)


def reasons_for(path: str, found: list[Difference]) -> list[Difference]:
    """Those that can have changed an output: they touch the stage that writes it, or one before."""
    blocks = stage_blocks()
    maker = next((stage for stage, block in blocks.items() if path in outputs(block)), None)
    touched = {maker, *stages_before(maker, blocks)} if maker else set()
    return [difference for difference in found if difference.grade != HARMLESS and touched & set(difference.stages)]
