"""Parameters that nobody can mean, all at once: refused by conf/schema.yaml, or in contradiction to each other."""

import math
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.validators import extend

from hohoho.contradictions import contradictions
from hohoho.errors import did_you_mean

ROOT_HINT = {
    "data.root": "needs the folder that holds your data set: -S data.root=/path/to/it",
    "data.source": "needs a data set: -S data=phantom, or the name of another file of conf/data",
}


def _is_integer(_, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_, value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


# JSON has no NaN, and takes 10.0 for an integer; Python's range() and torch do not.
Validator = extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many({"integer": _is_integer, "number": _is_number}),
)


def mistakes(params: Mapping, schema: Mapping) -> list[str]:
    """Everything that cannot be meant in `params`, one line each, with the nearest valid name.

    schema: JSON Schema, but an integer is one without a point, a number is finite, and every object is `closed`.
    """
    errors = sorted(Validator(closed(schema)).iter_errors(params), key=lambda e: [str(p) for p in e.absolute_path])
    lines = [line for error in errors for line in _lines(error)]
    wrong = {".".join(map(str, list(error.absolute_path)[:2])) for error in errors}
    sections = {name: section for name, section in params.items() if isinstance(section, Mapping)}
    values = {f"{section}.{key}": value for section, values in sections.items() for key, value in values.items()}
    return lines + contradictions({name: value for name, value in values.items() if name not in wrong})


def closed(schema: Mapping) -> dict:
    """The schema in which every object has exactly the properties that are listed."""
    if "properties" not in schema:
        return dict(schema)
    properties = {name: closed(part) for name, part in schema["properties"].items()}
    rules = {"type": "object", "additionalProperties": False, "required": list(properties)}
    return {**schema, **rules, "properties": properties}


def _lines(error) -> list[str]:
    at = ".".join(map(str, error.absolute_path))
    inside = f"{at}." if at else ""
    if at in ROOT_HINT and error.instance is None:
        return [f"{at}: {ROOT_HINT[at]}"]
    match error.validator:
        case "additionalProperties":
            known = list(error.schema["properties"])
            unknown = [key for key in error.instance if key not in known]
            return [f"{inside}{key}: unknown key{did_you_mean(key, known, inside)}" for key in unknown]
        case "required":
            key = error.message.split("'")[1]  # the library names it nowhere else
            return [f"{inside}{key}: missing"]
        case "enum":
            known = ", ".join(map(str, error.validator_value))
            nearest = did_you_mean(error.instance, error.validator_value)
            return [f"{at}: {error.instance!r} is not one of {known}{nearest}"]
        case "pattern":
            return [f"{at}: {error.instance!r} is not {error.schema['description']}"]
        case "type" if isinstance(error.instance, float):
            return [f"{at}: {error.instance} is not {_wanted(error)}"]
    return [f"{at}: {error.message}"]


def _wanted(error) -> str:
    if error.validator_value == "integer":
        is_whole = math.isfinite(error.instance) and error.instance.is_integer()
        return f"an integer; write {error.instance:.0f}" if is_whole else "an integer"
    return "a finite number" if error.validator_value == "number" else f"of type {error.validator_value!r}"
