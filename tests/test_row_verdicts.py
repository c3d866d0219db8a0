"""The law of the verdicts, on simulated rows."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from row_experiments import ROOT, ROWS, experiment

from hohoho.errors import InputError
from hohoho.rows.command import add_commands
from hohoho.rows.listing import over_seeds, tolerance_counts
from hohoho.rows.results import results
from hohoho.rows.row import rows_named, rows_of
from hohoho.rows.spread import Spread, pooled, poster_spread
from hohoho.rows.verdicts import (
    KINDS,
    MOST_SEEDS,
    Comparison,
    half_width,
    own_tolerance,
    patients_sd,
    seeds_needed,
    verdict,
)

POSTER = Spread(0.006, 3)
SEED_SD, PATIENTS_SD = 0.01, 0.012

spreads = st.builds(Spread, st.just(0.0) | st.floats(1e-4, 0.1), st.integers(1, 20))
differences = st.integers(-300_000, 300_000).map(lambda millionths: millionths / 1e6)  # scores have six digits
comparisons = st.builds(Comparison, differences, st.integers(1, 30), spreads, spreads, st.floats(0, 0.05))


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch):
    monkeypatch.chdir(ROOT)


def simulated(seeds, difference, rows=400, seed_sd=SEED_SD):
    """How often which verdict is given: rows whose true F2 is the poster's and `difference`, of so many seeds."""
    rng, kinds = np.random.default_rng(0), []
    for _ in range(rows):
        poster = rng.normal(0, POSTER.sd) + rng.normal(0, PATIENTS_SD)
        here = difference + rng.normal(0, PATIENTS_SD) + rng.normal(0, seed_sd, seeds)
        compared = Comparison(here.mean() - poster, seeds, pooled([here]), POSTER, PATIENTS_SD)
        kinds.append(verdict(compared).kind)
    return {kind: kinds.count(kind) / rows for kind in KINDS}


def test_the_posters_own_recipe_is_reproduced_given_enough_seeds_and_seldom_said_to_differ():
    assert simulated(60, 0)["reproduced"] > 0.85
    for seeds in (3, 5, 20, 60):
        assert simulated(seeds, 0)["differs"] < 0.06, seeds


def test_another_recipe_differs_once_the_difference_is_several_standard_deviations():
    apart = 5 * np.sqrt(POSTER.sd**2 + 2 * PATIENTS_SD**2)
    for difference in (apart, -apart):
        told = simulated(20, difference)
        assert told["differs"] > 0.95 and told["reproduced"] < 0.01


def test_few_seeds_that_lie_wide_apart_cannot_tell():
    assert simulated(3, 0, seed_sd=0.07)["cannot tell"] > 0.9
    wide = Comparison(0.0, 1, Spread(0.07, 4), POSTER, PATIENTS_SD)
    assert verdict(wide).kind == "cannot tell"
    assert verdict(wide._replace(spread=Spread(0.001, 4))).kind == "reproduced"


@given(comparisons, st.floats(0.001, 0.5), st.floats(1, 10))
def test_a_wider_tolerance_never_makes_a_row_differ_and_a_narrower_one_never_reproduces_it(compared, tolerance, times):
    order = ("differs", "cannot tell", "reproduced")
    narrow, wide = (verdict(compared, t).kind for t in (tolerance, tolerance * times))
    assert order.index(narrow) <= order.index(wide)


@given(comparisons, st.floats(-0.99, 0.99))
def test_the_number_of_seeds_that_is_told_decides_and_no_smaller_one_does(compared, place):
    """place: of the border that the tolerance is, within the interval of the mean."""
    tolerance = abs(compared.difference) + place * half_width(compared.spread, compared.seeds)

    def with_seeds(number):
        spread = Spread(compared.spread.sd, number - 1)
        return verdict(compared._replace(seeds=number, spread=spread), tolerance).kind

    assume(tolerance > 0 and verdict(compared, tolerance).kind == "cannot tell")
    needed = seeds_needed(compared, tolerance)
    if needed is None:
        assert with_seeds(MOST_SEEDS) == "cannot tell"
        assert "1000 seeds would not tell" in verdict(compared, tolerance).text
        return
    assert with_seeds(needed) != "cannot tell"
    assert f"; {needed} seeds would tell" in verdict(compared, tolerance).text
    if needed > max(3, compared.seeds + 1):
        assert with_seeds(needed - 1) == "cannot tell"


def test_what_has_not_been_measured_is_told():
    compared = Comparison(0.0, 2, None, POSTER, PATIENTS_SD)
    assert verdict(compared).text.startswith("cannot tell: no seeds (2 run")
    assert verdict(compared, 0.5).text.startswith("cannot tell: no seeds")
    unknown = compared._replace(spread=Spread(0.001, 4), patients_sd=None)
    assert verdict(unknown).text.startswith("cannot tell: no interval")
    assert verdict(unknown, 0.02).kind == "reproduced"
    assert patients_sd([None, None]) is None


@given(st.lists(st.lists(st.floats(0, 1), min_size=1, max_size=5), max_size=5))
def test_the_pooled_spread_is_that_of_a_loop_over_all_runs(groups):
    df = sum(len(group) - 1 for group in groups)
    found = pooled(groups)
    if not df:
        assert found is None
        return
    squares = [(value - sum(group) / len(group)) ** 2 for group in groups for value in group]
    assert found == pytest.approx(((sum(squares) / df) ** 0.5, df), abs=1e-9)


def test_the_tolerance_is_the_known_one_of_a_single_source():
    of_patients = Comparison(0, 3, POSTER, Spread(0.0, 3), 0.01)
    assert own_tolerance(of_patients) == pytest.approx(1.959964 * 0.01 * 2**0.5, rel=1e-5)
    of_runs = of_patients._replace(poster=Spread(0.01, 3), patients_sd=0.0)
    assert own_tolerance(of_runs) == pytest.approx(3.182446 * 0.01, rel=1e-5)  # Student's table, 3 degrees of freedom
    assert half_width(Spread(0.01, 2), 4) == pytest.approx(4.302653 * 0.005, rel=1e-5)
    assert patients_sd([(0.5, 0.5 + 2 * 1.959964 * 0.02), None]) == pytest.approx(0.02, rel=1e-5)


def test_the_poster_repeats_three_columns_that_lie_up_to_013_apart():
    by_name = {row.name: row.f2["val"] for row in ROWS}
    pairs = [("table1_c4_gray", "table1_c5_gray"), ("table1_c4_stacked", "table1_c5_stacked")]
    gaps = [by_name[a] - by_name[b] for a, b in [*pairs, ("table4_c5", "table4_c6")]]
    assert poster_spread(ROWS) == pytest.approx(((sum(gap**2 for gap in gaps) / 2 / 3) ** 0.5, 3))
    assert poster_spread([row for row in ROWS if row.table == 2]) is None


def course(row, f2, seeds=(0, 1, 2), width=0.04, **changed):
    """Runs of a row on the poster's data, one for each F2."""
    return [
        experiment(row, "course", val, seed=seed, interval=(val - width / 2, val + width / 2), day=seed + 1, **changed)
        for seed, val in zip(seeds, f2, strict=True)
    ]


def test_three_seeds_speak_for_their_row_and_a_seed_that_ran_twice_counts_once():
    row = rows_named(ROWS, ["table2_c5"])
    again = experiment("table2_c5", "course", 0.9, seed=2, day=9)._replace(val_interval=(0.88, 0.92))
    runs = course("table2_c5", [0.770, 0.776, 0.773])
    result = results(row, runs, ROWS)[0]
    assert result.comparison.seeds == 3 and result.comparison.spread == pooled([[0.770, 0.776, 0.773]])
    assert result.verdict().kind == "reproduced" and result.changes == ()
    assert result.experiment.params["seed"] == 0  # the row's own
    assert results(row, [*runs, again], ROWS)[0].comparison.seeds == 3
    assert over_seeds([0.770, 0.776, 0.773]) == "0.7730 ± 0.0030 (3)"


def test_a_row_of_one_seed_takes_the_spread_of_its_table_and_of_no_other():
    rows = rows_of(ROWS, 2)
    single = course("table2_c1", [0.75], seeds=[0])
    elsewhere = course("table4_c1", [0.6, 0.7, 0.8])
    assert results(rows, single + elsewhere, ROWS)[0].verdict().text.startswith("cannot tell: no seeds (1 run")
    beside = course("table2_c5", [0.770, 0.776, 0.773])
    found = results(rows, single + beside + elsewhere, ROWS)[0].comparison
    assert (found.seeds, found.spread) == (1, pooled([[0.770, 0.776, 0.773]]))
    other_scale = course("table2_c5", [0.5, 0.6, 0.7], train_cnn={"epochs": 1})
    assert results(rows, single + other_scale, ROWS)[0].comparison.spread is None


def test_a_repeated_column_is_another_seed_of_the_first():
    rows = rows_of(ROWS, 4)
    runs = course("table4_c5", [0.73, 0.74], seeds=[0, 2]) + course("table4_c6", [0.735], seeds=[1])
    first, repeat = results(rows, runs, ROWS)[4:]
    assert first.comparison.seeds == repeat.comparison.seeds == 3


def test_tolerances_move_the_counts_and_nothing_on_the_phantom():
    rows = rows_of(ROWS, 2)
    runs = course("table2_c5", [0.770, 0.776, 0.773]) + course("table2_c1", [0.801, 0.803, 0.802])
    lines = [line.split() for line in tolerance_counts(results(rows, runs, ROWS), [0.01, 0.1]).splitlines()]
    assert [line[-5:] for line in lines[1:]] == [list("11004"), list("11004"), list("20004")]
    phantom = [experiment(row.name, val=0.5, seed=seed) for row in rows for seed in range(3)]
    for line in tolerance_counts(results(rows, phantom, ROWS), [0.01, 1]).splitlines()[1:]:
        assert line.split()[-5:] == list("00060")


@pytest.mark.parametrize("given_tolerance", ["0", "-0.1"])
def test_a_tolerance_that_is_none_is_refused(given_tolerance):
    import argparse

    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers())
    options = parser.parse_args(["rows", f"--tolerance={given_tolerance}"])
    with pytest.raises(InputError, match="above 0"):
        options.run(options)
