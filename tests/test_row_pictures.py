"""The pictures of the poster's tables: published beside measured, seeds, and what has not been run."""

import argparse

import pytest
from forest_plots import Plot
from row_experiments import ROOT, ROWS, experiment

from hohoho.rows import command, records
from hohoho.rows.picture import COLUMNS, picture, picture_rows
from hohoho.rows.results import results
from hohoho.rows.row import TABLES, rows_of
from hohoho.rows.table import NOT_COMPARABLE, notes


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch):
    monkeypatch.chdir(ROOT)


SEEDS = [experiment("table2_c5", val=0.42 + 0.02 * s, seed=s, day=9 - s, interval=(0.4, 0.47)) for s in range(3)]
OTHERS = [experiment("table2_c1", val=0.5), experiment("table2_c6", state="queued")]


def test_a_row_is_one_line_with_the_posters_f2_ours_its_interval_and_its_seeds():
    found = results(rows_of(ROWS, 2), [*SEEDS, *OTHERS], ROWS)
    table = picture_rows(found)
    assert list(table) == COLUMNS and len(table) == 6
    plot = Plot(picture("Table 2", table, notes(found)))
    lines = {line.hint.partition(":")[0]: line for line in plot.lines}
    assert list(lines) == [row.name for row in rows_of(ROWS, 2)]
    for result in found:
        line = lines[result.row.name]
        assert line.points["diamond"] == pytest.approx([result.row.f2["val"]], abs=1e-3)
        assert f"poster {result.row.f2['val']:.3f}" in line.hint
        assert ("not run" in line.hint) == (result.experiment is None) == ("circle" not in line.points)
    chosen = lines["table2_c5"]
    assert chosen.points["circle"] == pytest.approx([0.42], abs=1e-3) and chosen.number == "0.420 (0.400–0.470)"
    assert chosen.interval == pytest.approx((0.4, 0.47), abs=1e-3)
    assert sorted(chosen.points["dot"]) == pytest.approx([0.42, 0.44, 0.46], abs=1e-3)
    assert chosen.points["tick"] == pytest.approx([0.44], abs=1e-3) and "mean of 3 seeds 0.440" in chosen.hint
    assert lines["table2_c1"].hollow and "no interval" in lines["table2_c1"].hint
    assert "dot" not in lines["table2_c1"].points  # one seed is no spread
    assert "not run (queued)" in lines["table2_c6"].hint
    assert NOT_COMPARABLE in plot.words


def test_a_row_that_may_be_compared_says_the_verdict():
    course = [experiment("table2_c5", "course", 0.77, None, seed=s, interval=(0.74, 0.8)) for s in range(3)]
    (line,) = picture_rows(results([row for row in ROWS if row.name == "table2_c5"], course, ROWS)).itertuples()
    assert line.note.endswith("reproduced")


@pytest.mark.parametrize("number", TABLES)
def test_a_table_that_has_not_been_run_shows_the_posters_numbers(number):
    found = results(rows_of(ROWS, number), [], ROWS)
    plot = Plot(picture(f"Table {number}", picture_rows(found), notes(found)))
    assert len(plot.lines) == len(found) and all("not run" in line.hint for line in plot.lines)
    assert "Not run here yet." in plot.words


def test_the_command_writes_a_picture_beside_every_table_and_the_same_bytes_again(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(records, "read_experiments", lambda: [*SEEDS, *OTHERS])

    def written(folder):
        command._table(argparse.Namespace(all=True, number=None, out=folder))
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    first = written(tmp_path / "a")
    assert set(first) == {f"table{number}.{kind}" for number in TABLES for kind in ("md", "svg")}
    assert written(tmp_path / "b") == first
    assert str(tmp_path / "a/table3.svg") in capsys.readouterr().out
