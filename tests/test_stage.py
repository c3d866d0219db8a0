"""A stage is recorded only if what it began with is what it ended with."""

import shutil
import subprocess
import sys
from pathlib import Path

import fake_pipeline
import numpy as np
import pytest
import yaml
from dvc.utils.serialize import dumps_yaml
from fake_pipeline import ROOT
from hypothesis import example, given
from hypothesis import strategies as st

from hohoho.errors import InputError
from hohoho.params import flat, value_at
from hohoho.stage import run
from hohoho.stage.inputs import changes, inputs, other_parameters, read_lock, stages_before, used_parameters
from hohoho.stage.workspace import locked

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


@pytest.fixture
def repository(repository):
    """With our own dvc.yaml, that names each file of the source code."""
    shutil.copy(ROOT / "dvc.yaml", repository)
    return repository


def stage_that(monkeypatch, stage, edit):
    """Run `stage`, with `edit` as its work; the message it ends with, None where it ends well."""
    monkeypatch.setenv("DVC_STAGE", stage)
    try:
        run.run_stage(edit)
    except SystemExit as ended:
        return str(ended)
    return None


def set_parameter(path, name, value):
    """Set a dotted name in a YAML file."""
    content = yaml.safe_load(path.read_text())
    section = content
    for key in name.split(".")[:-1]:
        section = section[key]
    section[name.split(".")[-1]] = value
    path.write_text(yaml.safe_dump(content, sort_keys=False))


def other_value(value):
    """Another value of the same kind."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
    return f"{value}x"


def some_parameter(stage):
    """A parameter that the stage declares and conf/config.yaml holds as the result has it."""
    composed = yaml.safe_load((ROOT / "params.yaml").read_text())
    values = flat({name: value_at(composed, name) for name in STAGES[stage].get("params", [])})
    own = {name: value for name, value in values.items() if not name.startswith(("data.", "phantom."))}
    numbers = {name: value for name, value in own.items() if isinstance(value, int | float)}
    usable = [item for item in numbers.items() if item[0] not in ("split.test_fraction", "ingest.image_size")]
    return usable[0] if usable else None


def edit_params(stage):
    name, value = some_parameter(stage)
    set_parameter(Path("params.yaml"), name, other_value(value))
    return f"params.yaml: {name} was {value}, is {other_value(value)}"


def edit_conf(stage):
    name, value = some_parameter(stage)
    set_parameter(Path("conf/config.yaml"), name, other_value(value))
    return f"conf/: {name} was"


def edit_row(stage):
    name, value = some_parameter(stage)
    section, _, key = name.rpartition(".")
    with Path("conf/row/default.yaml").open("a") as file:
        file.write(f"\n{section}: {{{key}: {other_value(value)}}}\n" if section else f"\n{key}: {other_value(value)}\n")
    return f"conf/: {name} was"


def edit_module(stage):
    path = [dep for dep in STAGES[stage]["deps"] if dep.startswith("src/") and dep.endswith(".py")][-1]
    with Path(path).open("a") as file:
        file.write("# another line\n")
    return f"{path} was changed"


def delete_module(stage):
    folder = [dep for dep in STAGES[stage]["deps"] if dep.startswith("src/") and Path(dep).is_dir()][-1]
    path = sorted(Path(folder).glob("*.py"))[-1]
    path.unlink()
    return f"{path} was changed"


def edit_script(stage):
    with Path(f"stages/{stage}.py").open("a") as file:
        file.write("# another line\n")
    return f"stages/{stage}.py was changed"


def edit_pipeline(stage):
    text = Path("dvc.yaml").read_text()
    Path("dvc.yaml").write_text(
        text.replace(f"      - stages/{stage}.py\n", f"      - stages/{stage}.py\n      - README.md\n")
    )
    return f"dvc.yaml: {stage} was changed"


def edit_input(stage):
    path = [dep for dep in STAGES[stage]["deps"] if dep.startswith(("data/", "models/"))][0]
    (Path(path) / "more.txt").write_text("more")
    return f"{path} was changed"


EDITS = [edit_params, edit_conf, edit_row, edit_module, delete_module, edit_script, edit_pipeline, edit_input]
CASES = [
    (stage, edit)
    for stage in STAGES
    for edit in EDITS
    if not (stage == "ingest" and edit == edit_input)
    and not (not some_parameter(stage) and edit in (edit_params, edit_conf, edit_row))
]


@pytest.mark.parametrize(("stage", "edit"), CASES, ids=lambda case: getattr(case, "__name__", case))
def test_a_change_under_a_stage_fails_it_and_is_named(repository, monkeypatch, stage, edit):
    expected = []
    message = stage_that(monkeypatch, stage, lambda: expected.append(edit(stage)))
    assert message is not None and message.startswith(f"ERROR: {stage} changed while it ran, so nothing is recorded")
    assert expected[0] in message, message


def test_what_a_stage_does_not_use_may_change_under_it(repository, monkeypatch):
    def edit():
        set_parameter(Path("params.yaml"), "evaluate.smoothing", True)
        set_parameter(Path("conf/config.yaml"), "evaluate.smoothing", True)
        for path in ("src/hohoho/report/page.py", "stages/evaluate.py", "conf/row/table1_c1_gray.yaml"):
            with Path(path).open("a") as file:
                file.write("# another line\n")

    assert stage_that(monkeypatch, "train_cnn", edit) is None


def test_what_is_put_back_in_time_did_not_change(repository, monkeypatch):
    def edit():
        text = Path("params.yaml").read_text()
        edit_params("train_cnn")
        Path("params.yaml").write_text(text)

    assert stage_that(monkeypatch, "train_cnn", edit) is None


@pytest.mark.parametrize("name", ["dvc.yaml", "params.yaml", "dvc.lock"])
def test_a_file_that_was_half_written_is_a_change_and_no_traceback(repository, name):
    path, stage = Path(name), "train_lstm"
    text, before = path.read_text(), inputs(stage, STAGES[stage], {})
    assert changes(before, inputs(stage, STAGES[stage], {})) == []
    for end in np.linspace(0, len(text) - 1, 25).astype(int):
        path.write_text(text[:end])
        lines = changes(before, inputs(stage, STAGES[stage], {}))
        assert any(line.startswith(name) for line in lines) or end > text.index(stage)


def test_a_change_is_warned_of_while_the_stage_still_runs(repository, monkeypatch, capsys):
    monkeypatch.setattr(run, "WATCH_EVERY_S", 0.01)

    def edit():
        edit_module("embed")
        while "will fail at its end, unless this is put back" not in capsys.readouterr().err:
            pass

    assert "changed while it ran" in stage_that(monkeypatch, "embed", edit)


def test_code_that_was_edited_between_its_loading_and_the_start_of_the_work_is_noticed(repository):
    code = (
        "import hohoho\n"
        "open('src/hohoho/models/losses.py', 'a').write('# another line\\n')\n"
        "from hohoho.stage.run import run_stage\n"
        "run_stage(lambda: None)\n"
    )
    env = fake_pipeline.environment(DVC_STAGE="train_cnn", PYTHONPATH="src")
    ended = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "src/hohoho/models/losses.py was changed" in ended.stderr


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage != "ingest"])
def test_an_input_made_with_other_parameters_is_refused_before_the_work(repository, monkeypatch, stage):
    set_parameter(Path("params.yaml"), "ingest.window_width_hu", 81)
    message = stage_that(monkeypatch, stage, lambda: pytest.fail("worked"))
    assert "ingest ran with ingest.window_width_hu=80, now it is 81" in message


def test_a_frozen_stage_may_have_other_parameters(repository, monkeypatch):
    set_parameter(Path("params.yaml"), "ingest.window_width_hu", 81)
    set_parameter(Path("dvc.yaml"), "stages.ingest.frozen", True)
    assert not other_parameters("stack")


def test_by_hand_a_stage_runs_on_what_is_there(repository, monkeypatch):
    set_parameter(Path("params.yaml"), "ingest.window_width_hu", 81)
    monkeypatch.delenv("DVC_STAGE", raising=False)
    monkeypatch.setattr(sys, "argv", ["stages/stack.py"])
    run.run_stage(lambda: None)


def test_the_stages_before_one_are_those_whose_outputs_reach_it():
    assert stages_before("ingest", STAGES) == []
    assert stages_before("embed", STAGES) == ["ingest", "stack", "simclr_pretrain", "train_cnn"]
    assert stages_before("evaluate", STAGES) == list(STAGES)[:-1]


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False)
SCALARS |= st.text("012eE+-.:~_yno", max_size=6) | st.sampled_from(["no", "on", "1e-05", "0123", "2020-01-01", "null"])


@given(st.dictionaries(st.sampled_from("xyz"), SCALARS | st.lists(SCALARS, max_size=3)))
@example({"x": 1e-05, "y": [1e-05, 2]})
def test_what_dvc_writes_into_a_lock_file_is_read_as_it_was(values):
    written = dumps_yaml({"stages": {"a": {"params": {"params.yaml": values}}}})
    assert used_parameters(read_lock(written)["a"]) == values


def test_a_lock_file_that_holds_nothing_knows_no_stage():
    assert read_lock("") == {}


def test_a_change_names_what_came_and_what_went():
    assert changes({"params.yaml: a": 1, "b": "x"}, {"params.yaml: a": 1, "c": "y"}) == [
        "b was changed",
        "c was changed",
    ]


def test_a_second_run_of_the_same_stage_is_refused(repository, monkeypatch):
    code = "from hohoho.stage.workspace import locked\nwith locked('embed'):\n    print('held', flush=True); input()"
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout.readline() == "held\n"
    message = stage_that(monkeypatch, "embed", lambda: pytest.fail("worked"))
    assert message.startswith(f"ERROR: embed is running here already (PID {other.pid})")
    other.kill()
    other.wait()
    assert stage_that(monkeypatch, "embed", lambda: None) is None


def test_a_lock_is_free_again_when_it_was_left(repository):
    for _ in range(2):
        with locked("x") as free:
            assert free


def test_a_stage_that_dvc_yaml_does_not_know_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="has no stage embed: run this in the repository's root folder"):
        run.run_unchanged("embed", lambda: None)
