"""The claims study as it was written down before its runs: conf/study/*.yaml."""

from pathlib import Path
from typing import NamedTuple

import yaml

from hohoho.errors import InputError, did_you_mean
from hohoho.inference.table import MODEL_NAMES
from hohoho.rows.stale import lines_of_git

FOLDER = Path("conf/study")
SCALE = "scale.yaml"
F2, R2 = "f2", "r2"
MEASURES = {F2: ("cnn", "cnn_lstm"), R2: ("trained", "untrained", "thumbnails")}  # and what in a run has each of them
PART_NAMES = MODEL_NAMES | {name: name for name in MEASURES[R2]}  # as people write them


class Side(NamedTuple):
    """What a contrast takes from a run."""

    arm: str
    part: str  # a model, or what the level is read off


class Contrast(NamedTuple):
    """A difference, plus − minus, between runs of one seed."""

    name: str
    plus: Side
    minus: Side


class Claim(NamedTuple):
    """One of the poster's claims, and what would show it: its first contrast is above 0."""

    key: str  # of conf/study/<key>.yaml
    text: str
    measure: str  # F2 | R2
    arms: dict[str, dict]  # of its own: name → parameter → value
    contrasts: tuple[Contrast, ...]

    @property
    def needed(self) -> list[str]:
        """The arms that its contrasts compare, in their order, each once."""
        return list(dict.fromkeys(side.arm for each in self.contrasts for side in (each.plus, each.minus)))


class Rule(NamedTuple):
    """How the claims are judged."""

    level: float  # of the family, two-sided
    power: float
    resamples: int


class Plan(NamedTuple):
    """Everything that conf/study says."""

    seeds: tuple[int, ...]
    settings: dict
    seed_settings: dict[str, int]
    arms: dict[str, dict]  # all: name → parameter → value
    claims: tuple[Claim, ...]
    rule: Rule

    def overrides(self, arm: str, seed: int) -> list[str]:
        """Of `dvc exp run -S` for one run."""
        seeds = {name: start + seed for name, start in self.seed_settings.items()}
        return [f"{name}={text(value)}" for name, value in {**self.settings, **self.arms[arm], **seeds}.items()]

    def chosen(self, keys: list[str]) -> list[Claim]:
        """The claims of these keys; all without any. Raises `InputError` for an unknown one."""
        known = {claim.key: claim for claim in self.claims}
        for key in keys:
            if key not in known:
                raise InputError(f"no claim {key}{did_you_mean(key, known)}; there are {', '.join(known)}")
        return [known[key] for key in keys] or list(self.claims)


def text(value: object) -> str:
    """A value of YAML as Hydra reads it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def read_plan(folder: Path = FOLDER) -> Plan:
    """The plan, its claims in their order. Raises `InputError` where a claim compares what there is not."""
    if not (folder / SCALE).is_file():
        raise InputError(f"{(folder / SCALE).absolute()} missing: run this in the repository's root folder")
    scale = yaml.safe_load((folder / SCALE).read_text())
    files = {path.stem: yaml.safe_load(path.read_text()) for path in folder.glob("*.yaml") if path.name != SCALE}
    claims = [claim_of(key, said) for key, said in sorted(files.items(), key=lambda item: item[1]["order"])]
    arms = scale["arms"] | {name: settings for claim in claims for name, settings in claim.arms.items()}
    for claim in claims:
        for side in [side for each in claim.contrasts for side in (each.plus, each.minus)]:
            if side.arm not in arms or side.part not in MEASURES[claim.measure]:
                raise InputError(f"{folder / claim.key}.yaml compares {'.'.join(side)}, which no arm of the study has")
    rule = Rule(**scale["rule"])
    return Plan(tuple(scale["seeds"]), scale["settings"], scale["seed_settings"], arms, tuple(claims), rule)


def claim_of(key: str, said: dict) -> Claim:
    """One claim's file."""
    contrasts = [
        Contrast(name, *(Side(*sides[sign].split(".")) for sign in ("plus", "minus")))
        for name, sides in said["contrasts"].items()
    ]
    return Claim(key, said["claim"], said["score"], said["arms"], tuple(contrasts))


def plan_hash(rev: str = "HEAD") -> str:
    """Git's hash of conf/study in a commit; "" where there is none. Equal hashes: the same plan, to the last letter."""
    return next(iter(lines_of_git("rev-parse", "--verify", "--quiet", f"{rev}:{FOLDER}")), "")


def plan_commit() -> str:
    """The commit that wrote the plan down as it is now, shortened. Raises `InputError` where it is not committed."""
    if lines_of_git("status", "--porcelain", "--", str(FOLDER)):
        raise InputError(f"{FOLDER} has changes that are not committed: a plan is written down before its runs")
    return next(iter(lines_of_git("log", "-1", "--format=%h", "--", str(FOLDER))), "")
