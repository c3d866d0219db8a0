"""docs/results/rows.csv keeps what was run at the phantom's default scale, and nothing else."""

from datetime import datetime

import pandas as pd
import pytest
from row_experiments import ROOT, ROWS, experiment

from hohoho.rows import committed
from hohoho.rows.committed import add_experiments, read_committed, write_committed

EMPTY = read_committed(ROOT / "nowhere.csv")


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(committed, "record_of", lambda e: None)


def rows_and_seeds(table):
    return list(table[["row", "seed"]].itertuples(index=False, name=None))


@pytest.mark.parametrize(
    ("changed", "kept"),
    [
        ({}, True),
        ({"seed": 7}, True),
        ({"evaluate": {"figures": False}}, True),  # touches no score
        ({"train_cnn": {"epochs": 1}}, False),
        ({"phantom": {"patients": 60}}, False),
        ({"evaluate": {"threshold": 0.3}}, False),
        ({"source": "rsna"}, False),
        ({"state": "failed"}, False),
    ],
)
def test_only_finished_runs_at_the_default_scale_are_kept(changed, kept):
    assert len(add_experiments(EMPTY, ROWS, [experiment("table2_c2", **changed)])) == kept


def test_rows_stand_in_the_posters_order_a_line_for_each_seed():
    done = [experiment("table3_c1"), experiment("table1_c1_gray", seed=2), experiment("table1_c1_gray")]
    table = add_experiments(EMPTY, ROWS, done)
    assert rows_and_seeds(table) == [("table1_c1_gray", 0), ("table1_c1_gray", 2), ("table3_c1", 0)]


def test_a_newer_run_replaces_the_older_one_of_its_row_and_seed_and_keeps_the_others(tmp_path):
    path = tmp_path / "rows.csv"
    first = [experiment("table2_c2", val=0.5), experiment("table2_c3", val=0.6)]
    write_committed(add_experiments(EMPTY, ROWS, first), path)
    again = experiment("table2_c2", val=0.55)._replace(created=datetime(2026, 2, 1))
    table = add_experiments(read_committed(path), ROWS, [again])
    assert table.set_index("row")["val"].to_dict() == {"table2_c2": 0.55, "table2_c3": 0.6}


def test_a_line_holds_the_scores_and_on_what_they_were_computed(monkeypatch):
    stage = {"cpu": "CPU", "units": "avx2", "precision": "32-true", "threads": 2, "minutes": 4.26}
    scores = {"all_positive.test": 0.33, "cnn.auroc_test": 0.9}
    record = {"scores": scores, "stages": {"ingest": None, "train_cnn": stage, "embed": {"minutes": 1.0}}}
    monkeypatch.setattr(committed, "record_of", lambda e: record)
    line = add_experiments(EMPTY, ROWS, [experiment("table2_c2", val=0.5, test=0.4, interval=(0.4, 0.6))]).iloc[0]
    assert line[["val", "test", "val_low", "val_high"]].tolist() == [0.5, 0.4, 0.4, 0.6]
    assert line[["floor_test", "auroc_test"]].tolist() == [0.33, 0.9]
    assert line[["cpu", "precision", "threads", "minutes"]].tolist() == ["CPU", "32-true", 2, 5.3]
    assert pd.isna(line["lstm_auroc_test"])
