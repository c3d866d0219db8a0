"""Each row runs once: its name, what is recorded already, failures, and what waits in the queue."""

import subprocess
import sys

import pytest
from row_experiments import ROOT, ROWS, experiment

from hohoho.errors import InputError
from hohoho.rows.row import rows_named, rows_of
from hohoho.rows.runs import experiment_name, plan, recorded, run_rows


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch):
    monkeypatch.chdir(ROOT)


def test_an_experiment_is_named_for_its_row_and_its_overrides():
    assert experiment_name("table2_c5", []) == "table2-c5"
    assert experiment_name("table2_c5", ["runtime.workers=4"]) == "table2-c5"
    one, other = "train_cnn.epochs=1", "data=course"
    assert (
        experiment_name("table2_c5", [one, other]) == experiment_name("table2_c5", [other, one]) == "table2-c5-a4d42a"
    )
    assert experiment_name("table2_c5", [one]) not in ("table2-c5", experiment_name("table2_c5", [other]))


def test_what_exists_is_found_by_row_and_parameters_not_by_name():
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


def test_a_name_that_other_parameters_hold_gets_a_suffix():
    taken = experiment("table2_c5", train_cnn={"epochs": 99})
    name = plan("table2_c5", [], [taken]).name
    assert name.startswith("table2-c5-")
    assert name == plan("table2_c5", [], [taken]).name
    assert plan("table2_c5", [], [experiment("table2_c5")]).name == "table2-c5"


@pytest.mark.parametrize("override", ["loss.gama_neg=4", "loss.gamma_neg=[", "loss.clip=7", "row=table2_c1"])
def test_a_mistake_in_an_override_is_refused_before_any_run(override):
    with pytest.raises(InputError):
        run_rows(ROWS[:2], [override], False, [], lambda words: pytest.fail("ran"))


def test_a_failure_stops_no_other_row_and_is_named():
    ran = []

    def run(words):
        ran.append(words)
        return "row=table2_c1" in words

    failed = run_rows(rows_of(ROWS, 2)[:3], ["train_cnn.epochs=1"], True, [], run)
    assert len(ran) == 3
    assert failed == [experiment_name("table2_c1", ["train_cnn.epochs=1"])]
    start, end = ["dvc", "exp", "run", "--queue", "-n"], ["-S", "row=table2_c3", "-S", "train_cnn.epochs=1"]
    assert ran[2] == [*start, experiment_name("table2_c3", ["train_cnn.epochs=1"]), *end]


def test_what_waits_in_the_queue_is_not_queued_again_but_can_be_run_now():
    waiting, ran = [experiment("table2_c1", state="queued")], []
    run_rows(rows_named(ROWS, ["table2_c1"]), [], True, waiting, ran.append)
    assert not ran
    run_rows(rows_named(ROWS, ["table2_c1"]), [], False, waiting, ran.append)
    assert len(ran) == 1


def test_no_room_of_the_rows_imports_torch():
    rooms = [path.stem for path in (ROOT / "src/hohoho/rows").glob("[!_]*.py")]
    code = "; ".join(f"import hohoho.rows.{room}" for room in rooms) + "; import sys; assert 'torch' not in sys.modules"
    assert len(rooms) == 15
    subprocess.run([sys.executable, "-c", code], check=True)
