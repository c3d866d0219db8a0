"""Parameters: checked as a whole before any work, then handed to a stage as a record of what dvc.yaml declares."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from hohoho.errors import InputError, did_you_mean
from hohoho.machine import cores
from hohoho.parameter_check import mistakes
from hohoho.ranks import ranks_here

PARAMS, SCHEMA, PIPELINE = Path("params.yaml"), Path("conf/schema.yaml"), Path("dvc.yaml")
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C; in Python, it takes a second of every stage


def parse(text: str) -> Any:
    """What a YAML text holds. Raises yaml.YAMLError."""
    return yaml.load(text, Loader)


class Record(Mapping):
    """Parameters to read: `params.loss.gamma_neg`, or a section as a mapping, `Augmentation(**params.augment)`.

    Raises AttributeError for a name that is not there, with the nearest one that is.
    """

    __slots__ = ("_values", "_at")

    def __init__(self, values: Mapping[str, Any], at: str = ""):
        self._values, self._at = values, at

    def __getitem__(self, name: str) -> Any:
        value = self._values[name]
        return Record(value, f"{self._at}{name}.") if isinstance(value, Mapping) else value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._values:
            hint = did_you_mean(name, self._values, self._at)
            raise AttributeError(f"{self._at}{name} is not declared under params in {PIPELINE}{hint}")
        return self[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def check(params: Any, schema_path: Path = SCHEMA) -> None:
    """Raise `InputError` that lists every mistake in the composed parameters at once."""
    if not isinstance(params, Mapping):
        raise InputError(f"{PARAMS}: not a YAML mapping; compose it anew from conf/ with `hohoho params`")
    lines = mistakes(params, parse(schema_path.read_text()))
    if lines:
        raise InputError("parameters cannot be used (edit conf/, see conf/config.yaml):\n  " + "\n  ".join(lines))


def load() -> dict:
    """params.yaml as a dict, checked. Raises `InputError`."""
    try:
        params = parse(PARAMS.read_text())
    except FileNotFoundError:
        raise InputError(f"{PARAMS.absolute()} missing: compose it from conf/ with `hohoho params`") from None
    except yaml.YAMLError as error:
        raise InputError(f"{PARAMS} is not valid YAML: {error}") from None
    check(params)
    return params


def value_at(values: Any, name: str, missing: Any = None) -> Any:
    """The value at a dotted name in nested mappings; `missing` where there is none."""
    for key in name.split("."):
        if not isinstance(values, Mapping) or key not in values:
            return missing
        values = values[key]
    return values


def stage_params(stage: str) -> Record:
    """The parameters that dvc.yaml declares for a stage; no others, because DVC would not notice their changes.

    Raises `InputError` for any mistake anywhere in params.yaml.
    """
    params, kept = load(), {}
    block = parse(PIPELINE.read_text())["stages"][os.environ.get("DVC_STAGE", stage)]
    for name in block.get("params", []):  # dotted names of parameters and of whole sections
        *path, last = name.split(".")
        section = kept
        for key in path:
            section = section.setdefault(key, {})
        section[last] = value_at(params, name)
    return Record(kept)


def runtime() -> Record:
    """The runtime section; workers and threads that are 0 come as the number of cores, of a rank as its share."""
    section = load()["runtime"]
    share = max(1, cores() // ranks_here())
    return Record(section | {name: section[name] or share for name in ("workers", "threads")}, "runtime.")


def flat(values: Mapping, at: str = "") -> dict[str, Any]:
    """Dotted name → value of nested parameters."""
    leaves = {}
    for name, value in values.items():
        leaves |= flat(value, f"{at}{name}.") if isinstance(value, Mapping) else {f"{at}{name}": value}
    return leaves
