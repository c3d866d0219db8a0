"""The poster's rows: complete, composed strictly, all different, as published."""

import os
from itertools import combinations
from pathlib import Path

import pytest
import yaml
from row_experiments import NAMES, ROOT, ROWS

from hohoho.errors import InputError
from hohoho.rows.command import chosen_rows
from hohoho.rows.records import result_params
from hohoho.rows.row import TABLES, read_rows, read_titles, rows_named, rows_of
from hohoho.rows.runs import composed


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="module")
def parameters():
    """Every row's resolved parameters, but for its name."""
    before = Path.cwd()
    os.chdir(ROOT)
    try:
        return {
            name: {k: v for k, v in result_params(composed([f"row={name}"])).items() if k != "row"} for name in NAMES
        }
    finally:
        os.chdir(before)


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
    base = result_params(yaml.safe_load((ROOT / "conf/config.yaml").read_text()))
    own = result_params(yaml.safe_load((ROOT / f"conf/row/{name}.yaml").read_text()))
    assert not [key for key, value in own.items() if base[key] == value]
    scale = ("data", "phantom", "ingest", "split", "backbone.start")
    own_rate = {"table5_c5", "table6_small"}  # the report gives these two a learning rate of their own
    assert not [key for key in own if key.startswith(scale) or "epochs" in key]
    assert name in own_rate or not [key for key in own if "learning_rate" in key]


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


def test_unknown_rows_are_refused_all_at_once_with_the_nearest_name():
    with pytest.raises(InputError) as refused:
        rows_named(ROWS, ["table2_c1", "tabel2_c5", "xyz"])
    assert str(refused.value).splitlines()[1:] == ["  tabel2_c5; did you mean table2_c5?", "  xyz"]


def test_an_experiments_name_means_its_row_and_a_row_is_taken_once():
    assert [row.name for row in chosen_rows(["table2-c1", "table2_c1"], None, False)] == ["table2_c1"]
    assert len(chosen_rows([], None, True)) == 34
    assert len(chosen_rows([], 3, False)) == 4
    for nothing_or_two in (([], None, False), (["table2_c1"], 3, False), ([], 3, True)):
        with pytest.raises(InputError, match="which rows"):
            chosen_rows(*nothing_or_two)


def test_rows_are_read_in_the_repository_only(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="repository's root folder"):
        read_rows()
