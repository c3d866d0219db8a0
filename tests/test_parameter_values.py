"""Every parameter, tried with what nobody can mean: refused with its name, or used. And the bounds of all at once."""

import copy
import json
import math
from pathlib import Path

import pytest
import yaml
from stage_runs import linked, run_stages

from hohoho.contradictions import LAWS
from hohoho.parameter_check import mistakes
from hohoho.params import flat

ROOT = Path(__file__).parents[1]
SCHEMA = yaml.safe_load((ROOT / "conf/schema.yaml").read_text())
GOOD = yaml.safe_load((ROOT / "params.yaml").read_text())
NONSENSE = [
    "x y",
    True,
    None,
    [],
    [1],
    {},
    {"a": 1},
    "",
    " ",
    math.nan,
    math.inf,
    -math.inf,
    -1,
    -1e9,
    10**12,
    1e300,
    "1e-3",
]

NAMES = flat(GOOD)
NUMBERS = [name for name, value in NAMES.items() if isinstance(value, int | float) and not isinstance(value, bool)]
TEXT = {"edit", "row", "data.root"}  # any name will do; whether it exists is seen when it is looked for
UNBOUNDED = {  # a rate that is too high ends in a message (tests/test_training.py); a norm may be as large as it likes
    "simclr.learning_rate",
    "train_cnn.learning_rate",
    "learning_rates.adam",
    "learning_rates.sgd",
    "learning_rates.sgd_nesterov",
    "train_lstm.learning_rate",
    "train_cnn.gradient_clip",
}


def with_value(name, value, params=GOOD):
    changed = copy.deepcopy(params)
    section = changed
    *path, last = name.split(".")
    for key in path:
        section = section[key]
    section[last] = value
    return changed


def refused(name, value):
    """Whether it is; a refusal that does not name the parameter fails the test."""
    lines = mistakes(with_value(name, value), SCHEMA)
    assert not lines or any(name in line for line in lines), (name, value, lines)
    return bool(lines)


def test_the_parameters_of_the_repository_are_not_refused():
    assert mistakes(GOOD, SCHEMA) == []


@pytest.mark.parametrize("name", NAMES)
def test_what_nobody_can_mean_is_refused_by_its_name(name):
    accepted = [value for value in NONSENSE if not refused(name, value)]
    if name in TEXT:
        assert all(isinstance(value, str) for value in accepted)
    elif name in UNBOUNDED:
        assert accepted == [10**12, 1e300]
    elif isinstance(NAMES[name], bool):
        assert accepted == [True]
    elif NAMES[name] is None:
        assert accepted == [None]
    else:
        assert all(value == -1 for value in accepted) and (not accepted or name == "ingest.window_center_hu")


@pytest.mark.parametrize("name", [name for name in NUMBERS if isinstance(NAMES[name], int)])
def test_an_integer_is_written_without_a_point(name):
    schema = SCHEMA["properties"]
    for key in name.split("."):
        schema = schema[key].get("properties", schema[key])
    kind = schema.get("type") or SCHEMA["$defs"].get(schema.get("$ref", "").split("/")[-1], {}).get("type")
    assert refused(name, float(NAMES[name])) == (kind == "integer") or kind is None


ON_A_CPU, COURSE, RSNA = {"runtime.accelerator": "cpu"}, {"data.source": "course"}, {"data.source": "rsna"}
NO_PHANTOM = {"phantom.patients": 0}
SMALL_SIMCLR = {"simclr.enabled": True, "simclr.batch_size": 8}


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"train_cnn.min_learning_rate": 0.01}, "train_cnn.min_learning_rate: 0.01 is above train_cnn.learning_rate"),
        ({"simclr.learning_rate": 1e-4}, "simclr.min_learning_rate: 0.0005 is above simclr.learning_rate, 0.0001"),
        (ON_A_CPU | {"train_cnn.precision": "16-mixed"}, "train_cnn.precision: 16-mixed needs a GPU"),
        (ON_A_CPU | {"simclr.precision": "16-mixed"}, "simclr.precision: 16-mixed needs a GPU"),
        (
            {"runtime.devices": 40, "runtime.nodes": 2, "train_lstm.training": "skip"},
            "train_cnn.batch_size: 48 is less than runtime.devices",
        ),
        ({"runtime.devices": 40, "train_lstm.training": "skip"} | SMALL_SIMCLR, "simclr.batch_size: 8 is less than"),
        ({"runtime.devices": 33}, "train_lstm.batch_size: 32 is less than"),
        ({"data.labels": "labels.csv"}, "data.labels: read for data=dicom only, not for data=phantom"),
        (COURSE | NO_PHANTOM | {"ingest.assumed_rescale": [1, 0]}, "ingest.assumed_rescale: read for data=rsna and"),
        (RSNA | NO_PHANTOM | {"ingest.preferred_kernel": "H31"}, "ingest.preferred_kernel: read for data=dicom and"),
        (RSNA, "phantom.patients: read for data=phantom only, not for data=rsna"),
        (NO_PHANTOM | {"data.source": "dicom"}, "data.pseudonyms: public lets anyone guess the ids"),
        ({"ingest.window_center_hu": -1024}, "ingest.window_center_hu: -1064 to -984 HU"),
        ({"ingest.window_center_hu": 3071, "ingest.window_width_hu": 4096}, "ingest.window_center_hu: 1023 to 5119 HU"),
        ({"phantom.patients": 2}, "phantom.patients: 2 are 2 for training and 0 for validation"),
        ({"split.val_fraction": 0.5, "split.test_fraction": 0.49, "phantom.patients": 4}, "phantom.patients: 4 are 0"),
        ({"train_lstm.spatial_dropout": 0.1}, "train_lstm.spatial_dropout: for train_lstm.training=end_to_end only"),
        ({"loss.name": "focal", "loss.gamma_pos": 1}, "loss.gamma_pos: the focal loss takes loss.gamma_neg, 2, for"),
        ({"evaluate.bootstrap": 20}, "evaluate.bootstrap: 20 resamples make no 95 % interval"),
    ],
)
def test_values_that_contradict_each_other_are_refused(changed, line):
    params = GOOD
    for name, value in changed.items():
        params = with_value(name, value, params)
    (found,) = mistakes(params, SCHEMA)
    assert found.startswith(line)


def test_every_law_of_contradiction_is_tried_above():
    assert len(LAWS) == 10


def test_a_value_that_is_wrong_alone_is_not_refused_twice():
    assert len(mistakes(with_value("train_cnn.min_learning_rate", math.nan), SCHEMA)) == 1


# Every number at the lowest and the highest that is let through, but for the sizes that decide how long a run takes.
COSTS_TIME = {
    "phantom.patients": 6,
    "phantom.size_px": 32,
    "ingest.image_size": 32,
    "simclr.epochs": 1,
    "simclr.projection_features": 8,
    "train_cnn.epochs": 1,
    "train_lstm.epochs": 1,
    "train_lstm.units": 4,
    "evaluate.bootstrap": 0,
    "runtime.workers": 1,
    "runtime.threads": 1,
    "runtime.devices": 1,
    "runtime.nodes": 1,
}
RATES = {name: 1e-3 for name in UNBOUNDED if "learning_rate" in name} | {"learning_rates.sgd": 1e-3}
LOWEST = {
    "seed": 0,
    "data.max_unmatched_labels": 0,
    "phantom.seed": 0,
    "phantom.label_error_rate": 0,
    "ingest.window_center_hu": -1024,
    "ingest.window_width_hu": 4096,
    "split.seed": 0,
    "split.val_fraction": 0.1,
    "split.test_fraction": 0,
    "split.calibration_fraction": 0,
    "stack.small_fraction": 1e-12,
    "simclr.batch_size": 8,
    "simclr.min_learning_rate": 0,
    "simclr.warmup_fraction": 0,
    "simclr.weight_decay": 0,
    "simclr.temperature": 0.001,
    "simclr.rotation_deg": 0,
    "simclr.jitter": 0,
    "simclr.jitter_probability": 0,
    "train_cnn.batch_size": 2,
    "train_cnn.min_learning_rate": 0,
    "train_cnn.warmup_fraction": 0,
    "train_cnn.weight_decay": 0,
    "train_cnn.gradient_clip": 0,
    "train_cnn.dropout": 0,
    "loss.gamma_pos": 0,
    "loss.gamma_neg": 0,
    "loss.clip": 0,
    "augment.rotation_deg": 0,
    "augment.jitter": 0,
    "augment.jitter_probability": 0,
    "train_lstm.batch_size": 1,
    "train_lstm.spatial_dropout": 0,
    "evaluate.threshold": 1e-12,
    "evaluate.answer_error": 0.001,
    "evaluate.answer_confidence": 0.5,
}
ALMOST_1 = 1 - 1e-9
HIGHEST = {
    "seed": 2**32 - 1,
    "data.max_unmatched_labels": 1,
    "phantom.seed": 2**32 - 1,
    "phantom.label_error_rate": 1,
    "ingest.window_center_hu": 100,
    "ingest.window_width_hu": 1,
    "split.seed": 2**32 - 1,
    "split.val_fraction": 0.5,
    "split.test_fraction": 0.2,
    "split.calibration_fraction": 0.1,
    "stack.small_fraction": 1,
    "simclr.batch_size": 1_000_000,
    "simclr.min_learning_rate": 1e-3,
    "simclr.warmup_fraction": ALMOST_1,
    "simclr.weight_decay": 1,
    "simclr.temperature": 1000,
    "simclr.rotation_deg": 180,
    "simclr.jitter": 1,
    "simclr.jitter_probability": 1,
    "train_cnn.batch_size": 1_000_000,
    "train_cnn.min_learning_rate": 1e-3,
    "train_cnn.warmup_fraction": ALMOST_1,
    "train_cnn.weight_decay": 1,
    "train_cnn.gradient_clip": 1e300,
    "train_cnn.dropout": ALMOST_1,
    "loss.gamma_pos": 100,
    "loss.gamma_neg": 100,
    "loss.clip": ALMOST_1,
    "augment.rotation_deg": 180,
    "augment.jitter": 1,
    "augment.jitter_probability": 1,
    "train_lstm.batch_size": 1_000_000,
    "train_lstm.spatial_dropout": ALMOST_1,
    "evaluate.threshold": ALMOST_1,
    "evaluate.answer_error": 0.5,
    "evaluate.answer_confidence": 0.999,
}
OTHER = {
    "stack.subset": "small",
    "simclr.enabled": True,
    "train_lstm.training": "end_to_end",
    "evaluate.figures": False,
}
OTHER |= {"runtime.accelerator": "cpu", "runtime.progress": False}


@pytest.mark.parametrize("bounds", [LOWEST, HIGHEST], ids=["lowest", "highest"])
def test_all_seven_stages_run_on_the_bounds_of_every_number(tmp_path, monkeypatch, bounds):
    assert {*bounds, *COSTS_TIME, *RATES} == set(NUMBERS)
    folder = linked(tmp_path / "repository")
    values = RATES | COSTS_TIME | bounds | OTHER
    run_stages(folder, monkeypatch, [f"{name}={str(value).lower()}" for name, value in values.items()])
    assert 0 <= json.loads((folder / "metrics/scores.json").read_text())["f2"]["val"] <= 1
