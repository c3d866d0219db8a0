"""Parameters that nobody can mean, all at once: refused by conf/schema.yaml, or in contradiction to each other."""

import difflib
import math
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.validators import extend

ROOT_HINT = {
    "data.root": "needs the folder that holds your data set: -S data.root=/path/to/it",
    "data.source": "needs a data set: -S data=phantom, rsna, dicom, course, cq500 or ct_ich",
}
FEWEST_RESAMPLES = 40  # so that a 95 % interval leaves at least one of them out on each side
BRAIN_HU = (0, 100)  # water to clotted blood
READ_BY = {  # what only some data sets use
    "data.labels": ("dicom",),
    "ingest.preferred_kernel": ("dicom", "cq500"),
    "ingest.assumed_rescale": ("rsna", "dicom", "cq500"),
    "phantom.patients": ("phantom",),
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
    return lines + contradictions({name: value for name, value in _flat(params).items() if name not in wrong})


def closed(schema: Mapping) -> dict:
    """The schema in which every object has exactly the properties that are listed."""
    if "properties" not in schema:
        return dict(schema)
    properties = {name: closed(part) for name, part in schema["properties"].items()}
    rules = {"type": "object", "additionalProperties": False, "required": list(properties)}
    return {**schema, **rules, "properties": properties}


def _flat(params: Mapping) -> dict[str, Any]:
    sections = {name: section for name, section in params.items() if isinstance(section, Mapping)}
    return {f"{section}.{key}": value for section, values in sections.items() for key, value in values.items()}


def contradictions(params: Mapping[str, Any]) -> list[str]:
    """One line for values that may be meant alone, but not together. params: section.knob → valid value, not all."""
    return [line for law in LAWS for line in law(params)]


def _cosine_falls(params: Mapping[str, Any]) -> Iterator[str]:
    for section in ("train_cnn", "simclr"):
        start, end = params.get(f"{section}.learning_rate"), params.get(f"{section}.min_learning_rate")
        if start is not None and end is not None and end > start:
            yield f"{section}.min_learning_rate: {end} is above {section}.learning_rate, {start}: the cosine falls"


def _float16_is_for_gpus(params: Mapping[str, Any]) -> Iterator[str]:
    for name in ("train_cnn.precision", "simclr.precision"):
        if params.get(name) == "16-mixed" and params.get("runtime.accelerator") == "cpu":
            yield f"{name}: 16-mixed needs a GPU, but runtime.accelerator is cpu"


def _the_source_reads_it(params: Mapping[str, Any]) -> Iterator[str]:
    source = params.get("data.source")
    for name, readers in READ_BY.items():
        if source and params.get(name) and source not in readers:
            yield f"{name}: read for data={' and data='.join(readers)} only, not for data={source}"


def _the_window_shows_brain(params: Mapping[str, Any]) -> Iterator[str]:
    center, width = params.get("ingest.window_center_hu"), params.get("ingest.window_width_hu")
    if center is not None and width is not None:
        darkest, brightest = center - width / 2, center + width / 2
        if darkest >= BRAIN_HU[1] or brightest <= BRAIN_HU[0]:
            window = f"{darkest:g} to {brightest:g} HU (ingest.window_center_hu, ingest.window_width_hu)"
            yield f"ingest.window_center_hu: {window} shows no brain or blood, {BRAIN_HU[0]} to {BRAIN_HU[1]} HU"


def _every_split_has_a_patient(params: Mapping[str, Any]) -> Iterator[str]:
    patients = params.get("phantom.patients")
    fractions = [params.get(f"split.{split}_fraction") for split in ("val", "test")]
    if params.get("data.source") == "phantom" and None not in (patients, *fractions):
        val, test = (round(patients * fraction) for fraction in fractions)
        train = patients - val - test
        if val < 1 or train < 1:
            yield (
                f"phantom.patients: {patients} are {train} for training and {val} for validation, "
                "by split.val_fraction and split.test_fraction; at least 1 each"
            )


def _spatial_dropout_needs_images(params: Mapping[str, Any]) -> Iterator[str]:
    dropout, training = params.get("train_lstm.spatial_dropout"), params.get("train_lstm.training")
    if dropout and training and training != "end_to_end":
        yield f"train_lstm.spatial_dropout: for train_lstm.training=end_to_end only, not {training}; leave it 0"


def _focal_has_one_gamma(params: Mapping[str, Any]) -> Iterator[str]:
    positive, negative = params.get("loss.gamma_pos"), params.get("loss.gamma_neg")
    if params.get("loss.name") == "focal" and positive and positive != negative:
        yield f"loss.gamma_pos: the focal loss takes loss.gamma_neg, {negative}, for both; leave it 0"


def _resamples_make_an_interval(params: Mapping[str, Any]) -> Iterator[str]:
    resamples = params.get("evaluate.bootstrap")
    if resamples and resamples < FEWEST_RESAMPLES:
        yield f"evaluate.bootstrap: {resamples} resamples make no 95 % interval: 0, or at least {FEWEST_RESAMPLES}"


LAWS = (
    _cosine_falls,
    _float16_is_for_gpus,
    _the_source_reads_it,
    _the_window_shows_brain,
    _every_split_has_a_patient,
    _spatial_dropout_needs_images,
    _focal_has_one_gamma,
    _resamples_make_an_interval,
)


def _lines(error) -> list[str]:
    at = ".".join(map(str, error.absolute_path))
    if at in ROOT_HINT and error.instance is None:
        return [f"{at}: {ROOT_HINT[at]}"]
    match error.validator:
        case "additionalProperties":
            known = list(error.schema["properties"])
            return [_unknown(at, key, known) for key in error.instance if key not in known]
        case "required":
            key = error.message.split("'")[1]  # the library names it nowhere else
            return [f"{_join(at, key)}: missing"]
        case "enum":
            known = ", ".join(map(str, error.validator_value))
            return [f"{at}: {error.instance!r} is not one of {known}{_meant(error)}"]
        case "pattern":
            return [f"{at}: {error.instance!r} is not {error.schema['description']}"]
        case "type" if isinstance(error.instance, float):
            return [f"{at}: {error.instance} is not {_wanted(error)}"]
    return [f"{at}: {error.message}"]


def _wanted(error) -> str:
    whole = math.isfinite(error.instance) and error.instance.is_integer()
    if error.validator_value == "integer":
        return f"an integer; write {error.instance:.0f}" if whole else "an integer"
    return "a finite number" if error.validator_value == "number" else f"of type {error.validator_value!r}"


def _join(at: str, key: str) -> str:
    return f"{at}.{key}" if at else str(key)


def _unknown(at: str, key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(str(key), known, n=1)
    return f"{_join(at, key)}: unknown key" + (f"; did you mean {_join(at, near[0])}?" if near else "")


def _meant(error) -> str:
    near = difflib.get_close_matches(str(error.instance), [str(v) for v in error.validator_value], n=1)
    return f"; did you mean {near[0]}?" if near else ""
