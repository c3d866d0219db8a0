"""Parameters: checked as a whole before any work, then handed to a stage as a record of what dvc.yaml declares."""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

from hohoho.errors import InputError
from hohoho.machine import cores
from hohoho.stage.parameter_check import mistakes

PARAMS, SCHEMA, PIPELINE = Path("params.yaml"), Path("conf/schema.yaml"), Path("dvc.yaml")
Record = TypeVar("Record")


@dataclasses.dataclass(frozen=True)
class Runtime:
    """What cannot change a result, so that no stage depends on it."""

    workers: int
    dask: str | None
    threads: int
    accelerator: str
    devices: int
    progress: bool


def check(params: Any, schema_path: Path = SCHEMA) -> None:
    """Raise `InputError` that lists every mistake in the composed parameters at once."""
    if not isinstance(params, Mapping):
        raise InputError(f"{PARAMS}: not a YAML mapping; compose it anew from conf/ with `hohoho params`")
    found = mistakes(params, yaml.safe_load(schema_path.read_text()))
    if found:
        raise InputError("parameters cannot be used (edit conf/, see conf/config.yaml):\n  " + "\n  ".join(found))


def load() -> dict:
    """params.yaml as a dict, checked. Raises `InputError`."""
    try:
        params = yaml.safe_load(PARAMS.read_text())
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


def declared(stage: str) -> set[str]:
    """The dotted keys that dvc.yaml declares for a stage."""
    return set(yaml.safe_load(PIPELINE.read_text())["stages"][stage]["params"])


def stage_params(record: type[Record], stage: str) -> Record:
    """The stage's own record, filled from the keys that dvc.yaml declares for it and no others.

    Raises `InputError` for any mistake anywhere in params.yaml, `KeyError` for a field that dvc.yaml does not declare
    (its result would go stale unnoticed).
    """
    return _fill(record, load(), declared(os.environ.get("DVC_STAGE", stage)), "")


def _fill(record: type, values: Mapping, keys: set[str], at: str):
    filled = {}
    for field in dataclasses.fields(record):
        name = f"{at}.{field.name}" if at else field.name
        if dataclasses.is_dataclass(field.type):
            filled[field.name] = _fill(field.type, values[field.name], keys, name)
        elif name in keys:
            filled[field.name] = values[field.name]
        else:
            raise KeyError(f"{name} is read but not declared under params in {PIPELINE}")
    return record(**filled)


def leaves(record: type, at: str = "") -> set[str]:
    """The dotted keys that a record holds."""
    names = set()
    for field in dataclasses.fields(record):
        name = f"{at}.{field.name}" if at else field.name
        names |= leaves(field.type, name) if dataclasses.is_dataclass(field.type) else {name}
    return names


def runtime() -> Runtime:
    """The runtime section; workers and threads that are 0 come as the number of cores."""
    section = load()["runtime"]
    every_core = {name: section[name] or cores() for name in ("workers", "threads")}
    return Runtime(**section | every_core)
