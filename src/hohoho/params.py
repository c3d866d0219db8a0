"""Parameters: checked as a whole before any work, then handed to a stage as a record of what dvc.yaml declares."""

import dataclasses
import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from jsonschema import Draft202012Validator

from hohoho.errors import InputError
from hohoho.machine import cores

PARAMS, SCHEMA, PIPELINE = Path("params.yaml"), Path("conf/schema.yaml"), Path("dvc.yaml")
ROOT_HINT = {
    "data.root": "needs the folder that holds your data set: -S data.root=/path/to/it",
    "data.source": "needs a data set: -S data=phantom, rsna, dicom, course, cq500 or ct_ich",
}
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


def mistakes(params: Mapping, schema: Mapping) -> list[str]:
    """Everything in `params` that the JSON Schema refuses, one line each, with the nearest valid name."""
    errors = sorted(Draft202012Validator(schema).iter_errors(params), key=lambda e: [str(p) for p in e.absolute_path])
    return [line for error in errors for line in _lines(error)]


def _lines(error) -> list[str]:
    at = ".".join(map(str, error.absolute_path))
    if at in ROOT_HINT and error.instance is None:
        return [f"{at}: {ROOT_HINT[at]}"]
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        return [_unknown(at, key, known) for key in error.instance if key not in known]
    if error.validator == "required":
        key = error.message.split("'")[1]  # the library names it nowhere else
        return [f"{_join(at, key)}: missing"]
    if error.validator == "enum":
        return [f"{at}: {error.instance!r} is not one of {', '.join(map(str, error.validator_value))}{_meant(error)}"]
    return [f"{at}: {error.message}"]


def _join(at: str, key: str) -> str:
    return f"{at}.{key}" if at else str(key)


def _unknown(at: str, key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(str(key), known, n=1)
    return f"{_join(at, key)}: unknown key" + (f"; did you mean {_join(at, near[0])}?" if near else "")


def _meant(error) -> str:
    near = difflib.get_close_matches(str(error.instance), [str(v) for v in error.validator_value], n=1)
    return f"; did you mean {near[0]}?" if near else ""


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
        name = _join(at, field.name)
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
        name = _join(at, field.name)
        names |= leaves(field.type, name) if dataclasses.is_dataclass(field.type) else {name}
    return names


def runtime() -> Runtime:
    """The runtime section; workers and threads that are 0 come as the number of cores."""
    section = load()["runtime"]
    every_core = {name: section[name] or cores() for name in ("workers", "threads")}
    return Runtime(**section | every_core)
