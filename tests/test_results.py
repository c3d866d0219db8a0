"""No number of README's and docs' results is typed: each comes from docs/results/*.csv, and these from the runs."""

import importlib
import json
import re
import shutil
import statistics
import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scored_slices import predictions, studies_of
from sklearn.metrics import fbeta_score

from hohoho.inference.table import probabilities_of
from hohoho.labels import LABELS
from hohoho.scores.evaluation import evaluate
from hohoho.scores.scans import Settings

ROOT = Path(__file__).parents[1]
CSVS = ROOT / "docs/results"

sys.path.append(str(ROOT / "benchmarks"))
results, result_tables = (importlib.import_module(name) for name in ("results", "result_tables"))
TABLES = result_tables.tables(CSVS)
PAGES = {page.name: page.read_text() for page in results.PAGES}
PLACES = [(name, table.start(), table.end()) for name, text in PAGES.items() for table in results.TABLE.finditer(text)]


@pytest.mark.parametrize("page", PAGES)
def test_the_tables_of_a_page_are_those_of_the_csvs(page):
    assert results.with_tables(PAGES[page], TABLES) == PAGES[page], "run benchmarks/results.py"


def test_the_picture_of_the_rows_is_that_of_their_csv():
    drawn = (results.PICTURES / "rows.svg").read_text()
    assert drawn == results.row_picture(pd.read_csv(CSVS / "rows.csv")), "run benchmarks/results.py"


def test_every_table_is_on_one_page():
    named = [name for text in PAGES.values() for name in re.findall(r"<!-- table: (\w+) -->", text)]
    assert sorted(named) == sorted(TABLES)


@given(st.data())
def test_a_digit_of_a_table_that_is_typed_by_hand_is_seen(data):
    page, start, end = data.draw(st.sampled_from(PLACES))
    text = PAGES[page]
    place = data.draw(st.sampled_from([start + found.start() for found in re.finditer(r"\d", text[start:end])]))
    typed = text[:place] + data.draw(st.sampled_from(sorted(set("0123456789") - {text[place]}))) + text[place + 1 :]
    assert results.with_tables(typed, TABLES) == text


@pytest.mark.parametrize("page", PAGES)
def test_no_score_and_no_share_stands_outside_of_the_tables(page):
    prose = re.sub("(?s)```.*?```", "", results.TABLE.sub("", PAGES[page]))
    assert re.findall(r"(?<![\w.])0?\.\d\d+", prose) == []
    assert set(re.findall(r"(\d+) %", prose)) <= {"95", "5", "50"}  # of intervals, thresholds, promised errors, limits


def test_the_lstm_scores_higher_than_its_cnn_in_every_seed_as_the_page_says():
    runs = pd.read_csv(CSVS / "runs.csv", index_col="key")
    assert "In every seed the LSTM over the whole scan scores higher than its own CNN" in PAGES["results.md"]
    for score in ("micro.f2", "macro.auroc", "macro.average_precision"):
        assert (runs.loc[f"lstm_gain.test.{score}.value"] > 0).all()


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Three made-up workspaces as `dvc repro` would leave them, and the CSVs of their numbers."""
    base = tmp_path_factory.mktemp("runs")
    for seed in range(3):
        table, folder = predictions(45, seed), base / str(seed)
        found = evaluate(table, studies_of(table), Settings(0.5, False, 40, seed))
        (folder / "metrics").mkdir(parents=True)
        (folder / "metrics/details.json").write_text(json.dumps(found.details))
        table.to_parquet(folder / "predictions.parquet")
    folders = [base / str(seed) for seed in range(3)]
    shutil.copytree(CSVS, base / "csv")
    results.numbers(folders).to_csv(base / "csv/runs.csv", index=False)
    return base


def test_the_numbers_of_the_tables_are_those_of_the_runs(runs):
    made, f2 = result_tables.tables(runs / "csv"), []
    for seed in range(3):
        table = pd.read_parquet(runs / f"{seed}/predictions.parquet").query("split == 'test'")
        targets, raw = table[LABELS].to_numpy(), probabilities_of(table, "cnn_lstm")
        f2.append(fbeta_score(targets, raw >= 0.5, beta=2, average="micro"))
    mean_and_sd = f"{statistics.mean(f2):.3f} ± {statistics.stdev(f2):.3f}".replace("0.", ".")
    cells = [f"{value:.3f}".replace("0.", ".") for value in f2]
    assert f"| CNN-LSTM: micro F2 at 0.5 | {' | '.join(cells)} | {mean_and_sd} |" in made["seeds"]
    assert f"| CNN-LSTM | {mean_and_sd} | " in made["summary"]
    answers = [line.split("|")[2:4] for line in made["answers"].splitlines()[2:]]
    counts = [int(count) for line in answers for cell in line for count in cell.split(", ")]
    assert sum(counts) == 3 * table["study"].nunique()


def test_a_key_of_the_numbers_is_a_place_in_the_details(runs):
    table = pd.read_csv(runs / "csv/runs.csv", index_col="key")
    for seed in range(3):
        details = json.loads((runs / f"{seed}/metrics/details.json").read_text())
        for key, value in table[f"seed {seed}"].items():
            place = details
            for name in key.split("."):
                place = place[name]
            assert value == place or (place is None and pd.isna(value)), key


@pytest.mark.parametrize(
    ("value", "sign", "expected"),
    [
        (0.5244, "", ".524"),
        (1.0, "", "1.000"),
        (10.05, "", "10.050"),
        (-0.0541, "+", "−.054"),
        (0.1456, "+", "+.146"),
        (float("nan"), "+", ""),
    ],
)
def test_a_number_is_written_as_the_pages_write_it(value, sign, expected):
    assert result_tables.number(value, sign) == expected
