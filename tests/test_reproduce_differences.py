"""What differs from a recorded run is named, graded and held against what comes out."""

import argparse
import copy
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from row_experiments import ROOT, composed_row, experiment

from hohoho.errors import InputError
from hohoho.reproduce import command
from hohoho.reproduce.comparison import mismatches, summary
from hohoho.reproduce.differences import DIGITS, HARMLESS, RESULTS, Difference, differences, reasons_for, table
from hohoho.reproduce.here import expected, overrides_of, threads_of
from hohoho.reproduce.source import find_record
from hohoho.rows.records import result_params
from hohoho.rows.run_record import checked
from hohoho.rows.runs import composed
from hohoho.stage.environment import code_hashes, package_versions
from hohoho.stage.inputs import outputs, stage_blocks, stage_code, stages_before
from hohoho.stage.record import computed_on

ALL = ("ingest", "stack", "simclr_pretrain", "train_cnn", "embed", "train_lstm", "evaluate")
TRAINED = ("train_cnn", "train_lstm")


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="module")
def recorded():
    """A record of a run on this machine, with the code that is here now."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        params, blocks, code = composed_row("table3_c1", "phantom"), stage_blocks(), code_hashes()
        run = computed_on(params["runtime"]) | {"threads": 2, "precision": None, "minutes": 1.5}
        stages = {stage: dict(run) for stage in blocks}
        for stage in ("ingest", "stack"):
            stages[stage] |= {"device": None, "threads": None, "ranks": None}
        for stage in TRAINED:
            stages[stage]["precision"] = "32-true"
        params = copy.deepcopy(params) | {"train_cnn": params["train_cnn"] | {"precision": "32-true"}}
        used = {path: digest for block in blocks.values() for path, digest in stage_code(block, code).items()}
        hashes = {path: f"hash of {path}" for block in blocks.values() for path in outputs(block)}
        scores = {"f2.val": 0.5, "f2.test": None}
        content = {"params": params, "packages": package_versions(), "stages": stages, "code": used}
        return content | {"hashes": hashes, "scores": scores, "command": "dvc exp run"}


def differing(record, *given_overrides):
    return differences(record, expected(record, overrides_of(record, list(given_overrides))))


def test_on_the_same_machine_nothing_differs_with_the_recorded_threads(recorded):
    assert threads_of(recorded) == 2
    assert differing(recorded) == []
    assert overrides_of(recorded, [])[-1] == "runtime.threads=2"


@pytest.mark.parametrize(
    ("override", "what", "grade", "stages"),
    [
        ("runtime.threads=7", "threads", DIGITS, ALL[2:]),
        ("runtime.devices=2", "ranks", RESULTS, ("simclr_pretrain",)),
        ("train_cnn.precision=bf16-mixed", "precision", RESULTS, ("train_cnn",)),
        ("loss.gamma_neg=4", "params.yaml: loss.gamma_neg", RESULTS, ("train_cnn", "evaluate")),
        ("seed=9", "params.yaml: seed", RESULTS, ("simclr_pretrain", *TRAINED, "evaluate")),
        ("data.root=/elsewhere", "params.yaml: data.root", HARMLESS, ("ingest",)),
    ],
)
def test_what_is_asked_for_otherwise_is_named_beforehand(recorded, override, what, grade, stages):
    found = differing(recorded, override)
    assert (what, grade, stages) in [(d.what, d.grade, d.stages) for d in found]
    assert what in table(found)


@pytest.mark.parametrize(
    ("stages", "changed", "grade"),
    [
        (("embed",), {"cpu": "another"}, DIGITS),
        (ALL, {"units": "avx512f"}, DIGITS),
        (("train_cnn", "embed"), {"device": "NVIDIA H100"}, DIGITS),
        (("ingest",), {"system": "Darwin arm64"}, DIGITS),
        (("train_cnn",), {"precision": "bf16-mixed"}, RESULTS),
    ],
)
def test_another_machine_is_named_with_the_stages_that_ran_there(recorded, stages, changed, grade):
    record = copy.deepcopy(recorded)
    for stage in stages:
        record["stages"][stage] |= changed
    found = differing(record)
    assert [(d.what, d.grade, d.stages) for d in found] == [(next(iter(changed)), grade, stages)]


def test_where_a_stage_came_from_the_cache_its_machine_is_not_known(recorded):
    record = recorded | {"stages": recorded["stages"] | {"train_cnn": None}}
    assert [(d.recorded, d.grade, d.stages) for d in differing(record)] == [("not recorded", DIGITS, ("train_cnn",))]


@pytest.mark.parametrize(("name", "grade"), [("torch", DIGITS), ("python", DIGITS), ("tqdm", HARMLESS)])
def test_another_version_of_a_package_is_graded_by_what_it_computes(recorded, name, grade):
    record = recorded | {"packages": recorded["packages"] | {name: "0.0"}}
    assert [(d.what, d.recorded, d.grade) for d in differing(record)] == [(name, "0.0", grade)]


def test_code_is_named_by_its_files_and_stages(recorded):
    record = recorded | {"code": recorded["code"] | {"stages/embed.py": "x", "src/hohoho/gone.py": "x"}}
    found = {d.here: (d.grade, d.stages) for d in differing(record)}
    assert found["stages/embed.py"] == (RESULTS, ("embed",))
    assert found["src/hohoho/gone.py"] == (RESULTS, ())


def test_parameters_that_conf_no_longer_or_not_yet_knew_are_named(recorded):
    record = copy.deepcopy(recorded)
    record["params"]["loss"]["abolished"] = 1
    del record["params"]["train_lstm"]["units"]
    named = {d.what: (d.recorded, d.here, d.grade) for d in differing(record)}
    assert named == {
        "params.yaml: loss.abolished": ("1", "–", RESULTS),
        "params.yaml: train_lstm.units": ("–", "64", RESULTS),
    }


SETTINGS = {
    "seed": 7,
    "loss.gamma_neg": 4,
    "train_cnn.learning_rate": 1e-05,
    "train_cnn.optimizer": "sgd",
    "stack.labels": "filtered",
    "evaluate.smoothing": True,
    "ingest.assumed_rescale": [1, -1024],
    "ingest.preferred_kernel": 'H30\'s \\ "so,ft" {x}',
    "split.test_fraction": 0.25,
}


@settings(max_examples=12)
@given(st.sets(st.sampled_from(sorted(SETTINGS)), max_size=5))
def test_a_record_composes_to_its_own_parameters_whatever_they_were(names):
    params = copy.deepcopy(composed_row("table5_c4", "dicom"))
    for name in names:
        *path, last = name.split(".")
        section = params
        for key in path:
            section = section[key]
        section[last] = SETTINGS[name]
    again = composed(overrides_of({"params": params, "stages": {"train_cnn": None}}, []))
    assert result_params(again) == result_params(params)


@given(st.sets(st.sampled_from(ALL)), st.sampled_from([HARMLESS, DIGITS, RESULTS]), st.sampled_from(ALL))
def test_a_difference_explains_what_its_stages_and_those_after_them_write(touched, grade, maker):
    blocks = stage_blocks()
    reason = Difference("x", "1", "2", grade, tuple(touched))
    explains = grade != HARMLESS and bool(touched & {maker, *stages_before(maker, blocks)})
    for path in outputs(blocks[maker]):
        assert (reasons_for(path, [reason]) == [reason]) == explains
    assert reasons_for("gone.txt", [reason]) == []


def changed_copy(record, **hashes):
    return record | {"hashes": record["hashes"] | hashes}


def test_hashes_and_numbers_are_compared_one_by_one_with_their_reasons(recorded):
    repeated = changed_copy(recorded, **{"models/cnn": "other", "data/stacks": "other"})
    repeated |= {"scores": {"f2.val": 0.6, "f2.test": None, "new": 1}}
    named = [Difference("threads", "2", "1", DIGITS, ("train_cnn",))]
    found = mismatches(recorded, repeated, named)
    assert [(m.what, m.reasons) for m in found] == [
        ("data/stacks", ()),
        ("models/cnn", ("threads",)),
        ("f2.val", ("threads",)),
        ("new", ("threads",)),
    ]
    text = summary(recorded, repeated, found)
    count = len(recorded["hashes"])
    assert text.startswith(f"{count - 2} of {count} outputs are the same\n1 of 3 numbers are the same\n")
    assert sum("NO REASON NAMED" in line for line in text.splitlines()) == 1


@pytest.mark.parametrize(
    ("override", "changed", "code"),
    [
        ([], {}, 0),
        ([], {"models/cnn": "other"}, 1),
        (["-S", "runtime.threads=1"], {"models/cnn": "other"}, 0),
        (["-S", "runtime.threads=1"], {"data/stacks": "other"}, 1),  # threads do not reach it
        (["-S", "data.root=/elsewhere"], {"data/slices": "other"}, 1),  # harmless explains nothing
    ],
)
def test_the_exit_code_says_whether_every_difference_was_named(
    recorded, tmp_path, monkeypatch, override, changed, code
):
    (tmp_path / "reproduce.json").write_text(json.dumps(recorded))
    monkeypatch.setattr("hohoho.rows.records.read_experiments", list)
    monkeypatch.setattr(command, "run_again", lambda *_: changed_copy(recorded, **changed))
    parser = argparse.ArgumentParser()
    command.add_commands(parser.add_subparsers())
    options = parser.parse_args(["reproduce", str(tmp_path / "reproduce.json"), *override])
    with pytest.raises(SystemExit) as ended:
        options.run(options)
    assert ended.value.code == code


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"params": {}}', "null"])
def test_a_file_that_is_no_record_is_refused_by_its_name(text):
    with pytest.raises(InputError, match="x.json.*reproduce.json as a run has left it"):
        checked(text, "x.json")


def test_a_row_without_an_experiment_or_a_wrong_name_says_what_to_do(recorded):
    with pytest.raises(InputError, match="hohoho rows run table2_c5"):
        find_record("table2_c5", [experiment("table2_c4")])
    with pytest.raises(InputError, match="did you mean table2_c5"):
        find_record("table2_c55", [])
    with pytest.raises(InputError, match="no such file"):
        find_record("nowhere/reproduce.json", [])
    with pytest.raises(InputError, match="leave it out"):
        overrides_of(recorded, ["row=table2_c1"])
    assert not Path("nowhere").exists()
