"""Verdicts, and the pages that show them."""

import json
import re

import pandas as pd
import pytest
from row_experiments import NAMES, ROOT, ROWS, experiment

from hohoho.rows.listing import FORMATS, markdown
from hohoho.rows.results import changes, results
from hohoho.rows.row import rows_named, rows_of
from hohoho.rows.runs import composed
from hohoho.rows.table import printed_table


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch):
    monkeypatch.chdir(ROOT)


def verdict(row, experiments):
    return results(rows_named(ROWS, [row]), experiments, ROWS)[0].verdict().text


def test_only_the_posters_data_and_an_unchanged_row_are_compared_and_never_on_test():
    assert verdict("table2_c5", [experiment("table2_c5")]) == "run (phantom – not comparable)"
    changed = experiment("table2_c5", "course", loss={"clip": 0})
    assert verdict("table2_c5", [changed]) == "run (changed: loss.clip=0 – not comparable)"
    assert verdict("table2_c5", [experiment("table2_c5", "course", val=None)]) == "run (no val F2 – not comparable)"
    course = [experiment("table2_c5", "course", 0.77, test, seed=s) for s, test in enumerate((0.1, 0.9, None))]
    assert verdict("table2_c5", [run._replace(val_interval=(0.74, 0.8)) for run in course]).startswith("reproduced")


def test_no_patient_is_drawn_for_test_on_the_courses_data():
    assert composed(["data=course", "data.root=anywhere"])["split"]["test_fraction"] == 0


def test_the_newest_unchanged_experiment_speaks_for_its_row():
    row = rows_named(ROWS, ["table2_c5"])
    old, new = experiment("table2_c5", day=1), experiment("table2_c5", day=2)
    changed = experiment("table2_c5", day=3, train_cnn={"epochs": 99})
    assert results(row, [new, changed, old])[0].experiment == new
    assert results(row, [changed])[0].changes == ("train_cnn.epochs=99",)
    assert results(row, [])[0].verdict().text == "not run"
    assert results(row, [experiment("table2_c5", state="queued")])[0].verdict().text == "not run (queued)"
    assert results(row, [experiment("table2_c4")])[0].verdict().text == "not run"


def test_knobs_that_came_later_are_no_change_of_an_older_experiment():
    older = experiment("table2_c5")
    del older.params["evaluate"]
    older.params["loss"]["abolished"] = 1
    assert changes("table2_c5", older) == ()


def test_every_format_lists_all_rows():
    found = results(ROWS, [experiment("table2_c5", test=0.6)])
    for name, text in ((name, form(found)) for name, form in FORMATS.items()):
        assert all(row in text for row in NAMES), name
    listed = json.loads(FORMATS["json"](found))
    chosen = next(line for line in listed if line["row"] == "table2_c5")
    assert (chosen["published"]["test"], chosen["measured"]["test"], chosen["data"]) == (0.749, 0.6, "phantom")
    assert FORMATS["csv"](found).count("\n") == 34


@pytest.mark.parametrize("measured", [True, False])
def test_as_text_the_columns_line_up_two_blanks_apart_and_empty_ones_are_left_out(measured):
    found = results(rows_of(ROWS, 2), [experiment("table2_c5", test=0.6)] if measured else [])
    lines = FORMATS["text"](found).splitlines()
    assert re.split(" {2,}", lines[0]) == ["row", "settings", "poster train", "poster val", "poster test"] + (
        ["here train", "here val", "here test", "data"] if measured else []
    ) + ["verdict"]
    starts = [match.start() for match in re.finditer(r"(?<=  )\S|^\S", lines[0])]
    for start in starts[1:]:
        assert {line[start - 2 : start] for line in lines if len(line) > start} == {"  "}


def test_a_bar_in_a_cell_does_not_end_it():
    assert markdown(pd.DataFrame({"a": ["x|y"], "b": ["z"]})).splitlines()[-1] == "| x\\|y | z |"


def test_a_table_shows_published_beside_measured():
    found = results(rows_of(ROWS, 1), [experiment("table1_c4_stacked", test=0.6)])
    lines = printed_table(1, "Vanilla", found).splitlines()
    assert "| Stacked, test F2, poster | - | - | - | 0.7310 | - | - |" in lines
    assert "| Stacked, test F2, here | - | - | - | 0.6000 | - | - |" in lines
    assert "| Gray, val F2, poster | 0.6892 | 0.7045 | 0.7064 | 0.7143 | 0.7155 | - |" in lines
    assert not any(line.startswith("| Gray, test") for line in lines)
    assert "not comparable" in lines[-1]


@pytest.mark.parametrize("test", [None, 0.7])
def test_a_test_set_that_was_drawn_is_told_from_the_posters(test):
    found = results(rows_of(ROWS, 2), [experiment("table2_c5", "course", 0.77, test)])
    assert ("drawn patients" in printed_table(2, "Asymmetric", found)) == (test is not None)
