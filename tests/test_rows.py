"""The poster's rows: complete, composed strictly, all different; run once each; judged fairly."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from itertools import combinations
from pathlib import Path

import psutil
import pytest
import yaml

from hohoho.errors import InputError
from hohoho.row_list import FORMATS
from hohoho.row_picture import write_picture
from hohoho.row_records import Experiment, read_experiments, what_matters
from hohoho.row_results import changes, results, verdict
from hohoho.row_runs import composed, experiment_name, plan, recorded, run_rows
from hohoho.row_table import as_markdown, printed_table
from hohoho.rows import TABLES, read_rows, read_titles, rows_named, rows_of
from hohoho.rows_command import chosen_rows

ROOT = Path(__file__).parents[1]
ROWS = read_rows(ROOT / "published.yaml")
NAMES = [row.name for row in ROWS]


@pytest.fixture
def in_the_repository(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="module")
def parameters():
    """Every row's resolved parameters, but for its name."""
    before = Path.cwd()
    os.chdir(ROOT)
    try:
        return {
            name: {k: v for k, v in what_matters(composed([f"row={name}"])).items() if k != "row"} for name in NAMES
        }
    finally:
        os.chdir(before)


def experiment(row, source="phantom", test=0.5, state="done", day=1, **changed):
    """An experiment as DVC would have recorded it; changed: section={knob: value}."""
    params = composed([f"row={row}"])
    params["data"]["source"] = source
    for section, values in changed.items():
        params[section] |= values
    f2 = {"train": 0.9, "val": test, "test": test} if state == "done" else {}
    return Experiment(row.replace("_", "-"), state, datetime(2026, 1, day), params, f2)


# the rows and what is published


def test_there_are_34_rows_each_with_a_file_of_its_name():
    files = {path.stem for path in (ROOT / "conf/row").glob("*.yaml")} - {"default"}
    assert len(NAMES) == len(set(NAMES)) == 34
    assert set(NAMES) == files
    assert [len(rows_of(ROWS, table)) for table in TABLES] == [11, 6, 4, 6, 5, 2]
    assert all(yaml.safe_load((ROOT / f"conf/row/{name}.yaml").read_text())["row"] == name for name in files)


def test_a_row_is_named_for_its_table_and_column():
    assert all(row.name.startswith(f"table{row.table}_c{row.column}") for row in ROWS if row.table < 6)
    assert all(row.name.endswith(row.group.lower()) for row in rows_of(ROWS, 1))
    assert list(read_titles(ROOT / "published.yaml")) == list(TABLES)


@pytest.mark.parametrize(
    ("name", "train", "val", "test"),
    [
        ("table1_c1_gray", 0.8496, 0.6892, None),
        ("table1_c5_gray", 0.7480, 0.7155, None),
        ("table1_c4_stacked", 0.8408, 0.7307, 0.7310),
        ("table1_c6_stacked", 0.7377, 0.7153, None),
        ("table2_c4", 0.865, 0.781, 0.736),
        ("table2_c6", 0.854, 0.771, 0.755),
        ("table3_c1", 0.8907, 0.7714, 0.7792),
        ("table3_c4", 0.8988, 0.7911, 0.7726),
        ("table4_c2", 0.979, 0.647, 0.708),
        ("table4_c6", 0.796, 0.730, 0.734),
        ("table5_c2", None, 0.769, 0.744),
        ("table5_c5", 0.824, 0.741, None),
        ("table6_full", 0.8907, 0.7673, 0.7826),
        ("table6_small", 0.6928, 0.5971, 0.6450),
    ],
)
def test_published_scores_are_the_posters(name, train, val, test):
    assert rows_named(ROWS, [name])[0].f2 == {"train": train, "val": val, "test": test}


def test_every_row_composes_and_no_two_are_the_same_experiment(parameters):
    same = [(a, b) for a, b in combinations(NAMES, 2) if parameters[a] == parameters[b]]
    assert not same


def test_what_a_row_prints_is_what_it_runs(parameters):
    knobs = {"Batch size": {1: "train_cnn.batch_size", 3: "train_lstm.batch_size"}, "LSTM units": "train_lstm.units"}
    knobs |= {"Colorjitter": "augment.jitter", "Rotation": "augment.rotation_deg"}
    for row in ROWS:
        for setting, value in row.settings.items():
            knob = knobs.get(setting)
            knob = knob[row.table] if isinstance(knob, dict) else knob
            assert knob is None or parameters[row.name][knob] == value, (row.name, setting)
        gray, skip = row.group == "Gray", row.table in (1, 2, 4)
        assert (parameters[row.name]["stack.input"] == "gray") == gray
        assert (parameters[row.name]["train_lstm.training"] == "skip") or not skip
        assert (parameters[row.name]["loss.name"] == "bce") == (row.table in (1, 4) or row.name == "table6_small")


@pytest.mark.parametrize("name", NAMES)
def test_a_row_file_holds_only_what_differs_and_never_the_scale(name):
    base = what_matters(yaml.safe_load((ROOT / "conf/config.yaml").read_text()))
    own = what_matters(yaml.safe_load((ROOT / f"conf/row/{name}.yaml").read_text()))
    assert not [key for key, value in own.items() if base[key] == value]
    scale = ("data", "phantom", "ingest", "split", "backbone.start")
    assert not [key for key in own if key.startswith(scale) or "epochs" in key or "learning_rate" in key]


def test_table_3_trains_two_cnns_that_table_2_has_trained(parameters):
    def cnn(name):
        return {k: v for k, v in parameters[name].items() if not k.startswith(("train_lstm.", "evaluate."))}

    assert cnn("table3_c1") == cnn("table3_c2") == cnn("table2_c2") == cnn("table6_full")
    assert cnn("table3_c3") == cnn("table3_c4") == cnn("table2_c5")


@pytest.mark.parametrize(("first", "second"), [("c4_gray", "c5_gray"), ("c4_stacked", "c5_stacked")])
def test_a_repeat_differs_by_its_seed_alone(parameters, first, second):
    pairs = [(f"table1_{first}", f"table1_{second}"), ("table4_c5", "table4_c6")]
    for one, other in pairs:
        assert parameters[other] == parameters[one] | {"seed": 1}


# choosing


def test_unknown_rows_are_refused_all_at_once_with_the_nearest_name():
    with pytest.raises(InputError) as refused:
        rows_named(ROWS, ["table2_c1", "tabel2_c5", "xyz"])
    assert str(refused.value).splitlines()[1:] == ["  tabel2_c5; did you mean table2_c5?", "  xyz"]


def test_an_experiments_name_means_its_row_and_a_row_is_taken_once(in_the_repository):
    assert [row.name for row in chosen_rows(["table2-c1", "table2_c1"], None, False)] == ["table2_c1"]
    assert len(chosen_rows([], None, True)) == 34
    assert len(chosen_rows([], 3, False)) == 4
    for nothing_or_two in (([], None, False), (["table2_c1"], 3, False), ([], 3, True)):
        with pytest.raises(InputError, match="which rows"):
            chosen_rows(*nothing_or_two)


# names and plans


def test_an_experiment_is_named_for_its_row_and_its_overrides():
    assert experiment_name("table2_c5", []) == "table2-c5"
    assert experiment_name("table2_c5", ["runtime.workers=4"]) == "table2-c5"
    one, other = "train_cnn.epochs=1", "data=course"
    assert (
        experiment_name("table2_c5", [one, other]) == experiment_name("table2_c5", [other, one]) == "table2-c5-a4d42a"
    )
    assert experiment_name("table2_c5", [one]) not in ("table2-c5", experiment_name("table2_c5", [other]))


def test_what_exists_is_found_by_row_and_parameters_not_by_name(in_the_repository):
    here = experiment("table2_c5")._replace(name="fluffy-urchin")
    here.params["runtime"]["workers"] = 99
    planned = plan("table2_c5", ["runtime.threads=1"], [here])
    assert recorded(planned, [here], ("done",)) == here
    others = [
        experiment("table2_c4")._replace(name="table2-c5"),
        experiment("table2_c5", state="failed"),
        experiment("table2_c5", train_cnn={"epochs": 99}),
    ]
    assert recorded(plan("table2_c5", [], others), others, ("done",)) is None


def test_a_name_that_other_parameters_hold_gets_a_suffix(in_the_repository):
    taken = experiment("table2_c5", train_cnn={"epochs": 99})
    name = plan("table2_c5", [], [taken]).name
    assert name.startswith("table2-c5-")
    assert name == plan("table2_c5", [], [taken]).name
    assert plan("table2_c5", [], [experiment("table2_c5")]).name == "table2-c5"


@pytest.mark.parametrize("override", ["loss.gama_neg=4", "loss.gamma_neg=[", "loss.clip=7", "row=table2_c1"])
def test_a_mistake_in_an_override_is_refused_before_any_run(in_the_repository, override):
    with pytest.raises(InputError):
        run_rows(ROWS[:2], [override], False, [], lambda words: pytest.fail("ran"))


def test_a_failure_stops_no_other_row_and_is_named(in_the_repository):
    ran = []

    def run(words):
        ran.append(words)
        return "row=table2_c1" in words

    failed = run_rows(rows_of(ROWS, 2)[:3], ["train_cnn.epochs=1"], True, [], run)
    assert len(ran) == 3
    assert failed == [experiment_name("table2_c1", ["train_cnn.epochs=1"])]
    start, end = ["dvc", "exp", "run", "--queue", "-n"], ["-S", "row=table2_c3", "-S", "train_cnn.epochs=1"]
    assert ran[2] == [*start, experiment_name("table2_c3", ["train_cnn.epochs=1"]), *end]


def test_what_waits_in_the_queue_is_not_queued_again_but_can_be_run_now(in_the_repository):
    waiting, ran = [experiment("table2_c1", state="queued")], []
    run_rows(rows_named(ROWS, ["table2_c1"]), [], True, waiting, ran.append)
    assert not ran
    run_rows(rows_named(ROWS, ["table2_c1"]), [], False, waiting, ran.append)
    assert len(ran) == 1


# verdicts


@pytest.mark.parametrize(
    ("published", "measured", "expected"),
    [
        ((0.741, 0.743), (0.5, 0.743), "reproduced"),
        ((0.741, 0.743), (0.5, 0.763), "reproduced"),  # the border counts
        ((0.741, 0.743), (0.741, 0.777), "differs by +0.034"),
        ((0.741, 0.743), (0.741, 0.7), "differs by -0.043"),
        ((0.741, None), (0.75, 0.1), "reproduced"),  # the poster has no test: val decides
        ((0.741, None), (0.7, 0.741), "differs by -0.041"),
        ((0.741, 0.743), (0.741, None), "run (no test F2 – not comparable)"),
    ],
)
def test_a_row_is_reproduced_within_002_of_test_or_of_val_where_the_poster_has_no_test(published, measured, expected):
    published, measured = (dict(zip(("val", "test"), scores, strict=True)) for scores in (published, measured))
    assert verdict(published, measured, "course", ()) == expected
    assert verdict(published, measured, "phantom", ()) == "run (phantom – not comparable)"
    assert verdict(published, measured, "course", ("loss.clip=0",)) == "run (changed: loss.clip=0 – not comparable)"


def test_the_newest_unchanged_experiment_speaks_for_its_row(in_the_repository):
    row = rows_named(ROWS, ["table2_c5"])
    old, new = experiment("table2_c5", day=1), experiment("table2_c5", day=2)
    changed = experiment("table2_c5", day=3, train_cnn={"epochs": 99})
    assert results(row, [new, changed, old])[0].experiment == new
    assert results(row, [changed])[0].changes == ("train_cnn.epochs=99",)
    assert results(row, [])[0].verdict == "not run"
    assert results(row, [experiment("table2_c5", state="queued")])[0].verdict == "not run (queued)"
    assert results(row, [experiment("table2_c4")])[0].verdict == "not run"


def test_knobs_that_came_later_are_no_change_of_an_older_experiment(in_the_repository):
    older = experiment("table2_c5")
    del older.params["evaluate"]
    older.params["loss"]["abolished"] = 1
    assert changes("table2_c5", older) == ()


# pages


def test_every_format_lists_all_rows(in_the_repository):
    found = results(ROWS, [experiment("table2_c5", test=0.6)])
    for name, text in ((name, form(found)) for name, form in FORMATS.items()):
        assert all(row in text for row in NAMES), name
    listed = json.loads(FORMATS["json"](found))
    chosen = next(line for line in listed if line["row"] == "table2_c5")
    assert (chosen["published"]["test"], chosen["measured"]["test"], chosen["data"]) == (0.749, 0.6, "phantom")
    assert FORMATS["csv"](found).count("\n") == 34


def test_a_table_shows_published_beside_measured(in_the_repository, tmp_path):
    found = results(rows_of(ROWS, 1), [experiment("table1_c4_stacked", test=0.6)])
    table = printed_table(1, "Vanilla", found)
    lines = as_markdown(table).splitlines()
    assert "| Stacked, test F2, poster | - | - | - | 0.7310 | - | - |" in lines
    assert "| Stacked, test F2, here | - | - | - | 0.6000 | - | - |" in lines
    assert "| Gray, val F2, poster | 0.6892 | 0.7045 | 0.7064 | 0.7143 | 0.7155 | - |" in lines
    assert not any(line.startswith("| Gray, test") for line in lines)
    assert "not comparable" in lines[-1]
    for name in ("a.png", "b.png"):
        write_picture(tmp_path / name, table)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


# with DVC itself, on a one-stage repository

CONFIG = """\
defaults: [_self_, {data: phantom}, {row: default}]
edit: here
row: default
seed: 0
small: 0.00001
fails: false
data: {source: null, root: null}
runtime: {workers: 2}
"""
STAGE = """\
import json, pathlib, time, yaml
if pathlib.Path("hang").exists():
    pathlib.Path("hanging").touch()
    time.sleep(60)
params = yaml.safe_load(open("params.yaml"))
assert not params["fails"]
pathlib.Path("metrics").mkdir(exist_ok=True)
scores = {"f2": {"train": 0.9, "val": 0.8, "test": 0.7 if params["seed"] else None}}
pathlib.Path("metrics/scores.json").write_text(json.dumps(scores))
"""
PIPELINE = """\
stages:
  train:
    cmd: python train.py
    deps: [train.py]
    params: [seed, small, fails]
    metrics: [{metrics/scores.json: {cache: false}}]
"""


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A repository with three rows whose middle one fails."""
    files = {"conf/config.yaml": CONFIG, "train.py": STAGE, "dvc.yaml": PIPELINE, "params.yaml": "row: default\n"}
    files["conf/data/phantom.yaml"] = "# @package _global_\ndata: {source: phantom, root: somewhere}\n"
    own = {"default": "", "table2_c1": "seed: 1", "table2_c2": "fails: true", "table2_c3": "seed: 3"}
    files |= {f"conf/row/{name}.yaml": f"# @package _global_\nrow: {name}\n{text}\n" for name, text in own.items()}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_STAGE", raising=False)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    settings = "dvc config hydra.enabled true; dvc config core.analytics false; dvc config core.autostage true"
    identity = "git config user.email test@example.org; git config user.name test"
    run(f"git init -q; {identity}; dvc init -q; {settings}; git add -A; git commit -qm tiny")
    return tmp_path


def run(script):
    subprocess.run(["bash", "-ec", script], check=True, capture_output=True)


def test_a_row_is_run_once_and_a_failure_stops_no_other(tiny, capsys):
    rows = rows_named(ROWS, ["table2_c1", "table2_c2", "table2_c3"])

    assert run_rows(rows[:1], [], False, read_experiments()) == []
    capsys.readouterr()
    assert run_rows(rows, [], False, read_experiments()) == ["table2-c2"]
    assert "[1/3] table2_c1: done already, as experiment table2-c1" in capsys.readouterr().out

    run("git add -A; git commit -qm later")  # experiments of other commits count too
    found = read_experiments()
    assert [(e.name, e.row, e.state, e.source) for e in found] == [
        ("table2-c1", "table2_c1", "done", "phantom"),
        ("table2-c3", "table2_c3", "done", "phantom"),
    ]
    assert found[0].f2 == {"train": 0.9, "val": 0.8, "test": 0.7}
    assert [r.verdict for r in results(rows, found)] == ["run (phantom – not comparable)", "not run"] + [
        "run (phantom – not comparable)"
    ]

    calls = []
    run_rows(rows, ["runtime.workers=7"], False, found, calls.append)
    assert [words[4] for words in calls] == ["table2-c2"]
    run_rows(rows[:1], ["small=0.1"], False, found, calls.append)
    assert calls[-1][4] == experiment_name("table2_c1", ["small=0.1"])


def test_a_killed_run_goes_on_where_it_stopped(tiny, capsys):
    rows = rows_named(ROWS, ["table2_c1", "table2_c3"])
    assert run_rows(rows[:1], [], False, read_experiments()) == []
    (tiny / "hang").touch()
    code = (
        "import sys; from pathlib import Path; from hohoho.rows import read_rows, rows_named\n"
        "from hohoho.row_records import read_experiments; from hohoho.row_runs import run_rows\n"
        "rows = rows_named(read_rows(Path(sys.argv[1])), ['table2_c1', 'table2_c3'])\n"
        "run_rows(rows, [], False, read_experiments())\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, ROOT / "published.yaml"], start_new_session=True)
    deadline = time.monotonic() + 60
    while not (tiny / "hanging").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    below = [child.pid for child in psutil.Process(process.pid).children(recursive=True)]
    for pid in [process.pid, *below]:  # the command, DVC and the stage, as where a machine stops
        os.kill(pid, signal.SIGKILL)
    process.wait()
    while any(map(psutil.pid_exists, below)):  # DVC takes a dead process for a live one until it is reaped
        if time.monotonic() > deadline:
            pytest.skip("nobody reaps orphaned processes on this machine")
        time.sleep(0.2)
    (tiny / "hang").unlink()

    assert run_rows(rows, [], False, read_experiments()) == []
    assert "[1/2] table2_c1: done already" in capsys.readouterr().out
    assert [e.row for e in read_experiments()] == ["table2_c1", "table2_c3"]


def test_a_queued_row_is_seen_as_queued(tiny):
    row = rows_named(ROWS, ["table2_c1"])
    assert run_rows(row, [], True, read_experiments()) == []
    assert [(e.name, e.state) for e in read_experiments()] == [("table2-c1", "queued")]
    run_rows(row, [], True, read_experiments(), lambda words: pytest.fail("queued twice"))
    assert results(row, read_experiments())[0].verdict == "not run (queued)"


def test_outside_a_repository_it_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="repository's root folder"):
        read_rows()
    with pytest.raises(InputError, match="repository's root folder"):
        read_experiments()
