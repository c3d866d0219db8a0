"""The claims study: the plan is kept, every run is made once, and what the page says follows from its two tables."""

import re
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scored_slices import predictions
from sklearn.metrics import average_precision_score, fbeta_score, r2_score

from hohoho.cli import main
from hohoho.errors import InputError
from hohoho.inference.table import probabilities_of
from hohoho.labels import LABELS
from hohoho.rows.records import DONE, Experiment
from hohoho.rows.runs import composed
from hohoho.study import plan as plan_module
from hohoho.study import records
from hohoho.study.contrasts import MEASURES, by_run, difference, f2_of, holm, r2_of, two_level, verdict
from hohoho.study.plan import Contrast, Side, plan_hash, read_plan
from hohoho.study.report import write_report
from hohoho.study.runs import Run, recorded, run_all, runs_of
from hohoho.study.tables import answers, number, p_text

ROOT = Path(__file__).parents[1]
PLAN = read_plan(ROOT / "conf/study")
ARMS = [Run(arm, 3) for arm in PLAN.arms]
A, B = Side("a", "cnn"), Side("b", "cnn")
CONTRAST = Contrast("a − b", A, B)


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture
def committed(monkeypatch):
    """Whatever is being edited in conf/study just now."""
    monkeypatch.setattr("hohoho.study.report.plan_commit", lambda: "abc1234")


def table_of(scores, side, patients=40, columns=("tp", "fp", "fn")):
    """(seeds, patients, columns) sums → lines of study_patients.csv."""
    lines = []
    for seed, of_seed in enumerate(scores):
        part = pd.DataFrame(of_seed, columns=list(columns)).rename_axis("patient").reset_index()
        lines.append(part.assign(arm=side.arm, part=side.part, seed=seed))
    return pd.concat(lines)


# --- the plan


@pytest.mark.parametrize("run", ARMS, ids=lambda run: run.arm)
def test_every_arm_can_be_composed_and_differs_from_the_base_by_what_the_plan_says(run):
    made, base = composed(PLAN.overrides(*run)), composed(PLAN.overrides("base", 3))
    changed = {
        f"{section}.{name}"
        for section, values in made.items()
        if isinstance(values, dict)
        for name, value in values.items()
        if value != base[section].get(name)
    }
    assert changed == set(PLAN.arms[run.arm])


def test_split_and_training_have_seeds_of_their_own():
    first, second = (composed(PLAN.overrides("base", seed)) for seed in (0, 1))
    for params in (first, second):
        assert params["seed"] != params["split"]["seed"]
    assert first["seed"] != second["seed"]
    assert first["split"]["seed"] != second["split"]["seed"]
    assert first["phantom"] == second["phantom"]


def test_six_claims_five_seeds_and_a_contrast_each():
    assert len(PLAN.claims) == 6
    assert len(PLAN.seeds) >= 5
    assert all(claim.contrasts for claim in PLAN.claims)


def test_a_claim_that_compares_what_there_is_not_is_refused(tmp_path):
    for path in (ROOT / "conf/study").glob("*.yaml"):
        (tmp_path / path.name).write_text(path.read_text().replace("minus: gray.cnn", "minus: grey.cnn"))
    with pytest.raises(InputError, match=r"stacked.yaml compares grey.cnn"):
        read_plan(tmp_path)


def test_a_misspelt_claim_is_refused_with_the_nearest_one():
    with pytest.raises(InputError, match="did you mean stacked"):
        PLAN.chosen(["staked"])


def test_a_plan_that_is_not_committed_is_refused(monkeypatch):
    monkeypatch.setattr(plan_module, "lines_of_git", lambda *words: [" M conf/study/scale.yaml"])
    with pytest.raises(InputError, match="written down before its runs"):
        plan_module.plan_commit()


def test_only_the_runtime_may_be_set_by_hand(capsys):
    with pytest.raises(SystemExit):
        main(["study", "run", "stacked", "-S", "train_cnn.epochs=1"])
    assert "only runtime.… may be set" in capsys.readouterr().err


# --- the runs


def test_every_run_is_made_once_and_a_known_one_not_at_all(capsys):
    runs, made = runs_of(PLAN.claims, [0, 1]), []
    failed = run_all(PLAN, runs, {runs[0]}, ["runtime.threads=1"], lambda words: made.append(words) or 0)
    names = [words[words.index("-n") + 1] for words in made]
    assert failed == []
    assert len(names) == len(set(names)) == len(runs) - 1
    assert runs[0].name not in names
    assert all("runtime.threads=1" in words for words in made)
    assert "recorded already" in capsys.readouterr().out


def test_a_run_that_fails_stops_no_other():
    runs = runs_of(PLAN.claims[:1], [0, 1])
    assert run_all(PLAN, runs, set(), [], lambda words: 1) == [run.name for run in runs]


@pytest.fixture
def experiment(monkeypatch):
    """A recorded run of the base arm, seed 3."""
    monkeypatch.setattr("hohoho.study.runs.plan_hash", lambda rev="HEAD": "other" if rev == "old" else "same")
    run = Run("base", 3)
    params = composed(PLAN.overrides(*run))
    return run, Experiment(run.name, DONE, datetime(2026, 1, 1), params, {"val": 0.5}, rev="rev")


def test_an_experiment_counts_only_with_the_plans_parameters_and_under_the_plan(experiment):
    run, done = experiment
    assert recorded(PLAN, run, [done]) is done
    assert recorded(PLAN, run, [done._replace(params=composed(PLAN.overrides("gray", 3)))]) is None
    assert recorded(PLAN, run, [done._replace(rev="old")]) is None
    assert recorded(PLAN, run, [done._replace(state="failed")]) is None
    assert recorded(PLAN, Run("base", 2), [done]) is None


def test_an_experiment_becomes_lines_that_give_its_scores_again(experiment, monkeypatch, tmp_path):
    run, done = experiment
    table = predictions(60, 1)
    table.to_parquet(tmp_path / "predictions.parquet")
    monkeypatch.setattr(records, "content", lambda e, path: (tmp_path / Path(path).name).read_bytes())
    monkeypatch.setattr(records, "provenance", lambda e: {"plan": "x", "commit": "y"})
    empty = pd.DataFrame(columns=[*records.KEYS, "plan"]), pd.DataFrame(columns=[*records.KEYS, "patient"])
    runs, patients = records.add_run(empty, run, done)
    test = table[table["split"] == "test"].dropna(subset=LABELS)
    for model in ("cnn", "cnn_lstm"):
        targets, raw = test[LABELS].to_numpy() > 0, probabilities_of(test, model)
        line, sums = (part[part["part"] == model] for part in (runs, patients))
        for columns, threshold in ((records.AT_HALF, 0.5), (records.AT_BEST, line["best_threshold"].item())):
            expected = fbeta_score(targets, raw >= threshold, beta=2, average="micro")
            assert f2_of(sums[columns].sum().to_numpy()) == pytest.approx(expected)
        assert line["average_precision"].item() == pytest.approx(average_precision_score(targets, raw, average="macro"))
    assert set(patients["patient"]) <= set(range(table["patient"].nunique()))
    assert records.known_runs(runs) == {run}


def test_the_level_of_a_run_gives_its_r2_again():
    rng = np.random.default_rng(0)
    levels = pd.DataFrame({"patient": rng.integers(0, 9, 80), "level": rng.integers(0, 30, 80)})
    levels["r2_trained"] = levels["level"] + rng.normal(0, 3, 80)
    _, patients = records.level_part(levels, "trained")
    found = r2_of(patients[records.OF_LEVEL].sum().to_numpy())
    assert found == pytest.approx(r2_score(levels["level"], levels["r2_trained"]), abs=1e-5)


def test_runs_of_another_plan_are_not_mixed_in(tmp_path):
    runs, patients = tmp_path / "runs.csv", tmp_path / "patients.csv"
    pd.DataFrame({"arm": ["base"], "seed": [0], "part": ["cnn"], "plan": ["0" * 12], "commit": ["x"]}).to_csv(runs)
    patients.write_text("arm,seed,part,patient\n")
    with pytest.raises(InputError, match="another plan"):
        records.read_tables(runs, patients)


# --- the statistics


def simulated(rng, seeds, effect, seed_sd=0.03, patients=60):
    """Sums of two arms whose F2 differ by about `effect`, over seeds and over patients that test in some of them."""
    hard = rng.uniform(0.3, 0.9, patients)
    both = []
    shifts = rng.normal(0, seed_sd, seeds)
    tested = [rng.random(patients) < 0.5 for _ in range(seeds)]
    for sign in (0, 1):
        sums = np.zeros((seeds, patients, 3))
        for k in range(seeds):
            recall = np.clip(hard + sign * (effect + shifts[k]), 0, 1)
            found = rng.binomial(20, recall)
            sums[k] = np.column_stack([found, rng.poisson(4, patients), 20 - found]) * tested[k][:, None]
        both.append(sums)
    return both


def test_intervals_hold_a_true_difference_at_least_as_often_as_they_say():
    rng, held = np.random.default_rng(0), []
    for _ in range(150):
        minus, plus = simulated(rng, 5, 0.0)
        found = difference(pd.concat([table_of(plus, A), table_of(minus, B)]), CONTRAST, "f2", 100)
        low, high = found.interval
        held.append(low <= 0 <= high)
    assert np.mean(held) >= 0.92


def test_a_large_difference_is_seen():
    minus, plus = simulated(np.random.default_rng(1), 5, 0.15, seed_sd=0.01)
    found = difference(pd.concat([table_of(plus, A), table_of(minus, B)]), CONTRAST, "f2", 200)
    assert found.p < 0.01
    assert found.interval[0] > 0
    assert 0 < found.smallest(0.05 / 6, 0.8) < found.mean * 2


def test_two_equal_arms_differ_by_nothing():
    minus, _ = simulated(np.random.default_rng(2), 4, 0.1)
    found = difference(pd.concat([table_of(minus, A), table_of(minus, B)]), CONTRAST, "f2", 50)
    assert found.mean == 0
    assert found.error == 0
    assert np.isnan(found.p)


def test_seeds_that_lack_a_side_do_not_count_and_two_seeds_have_no_interval():
    minus, plus = simulated(np.random.default_rng(3), 5, 0.1)
    table = pd.concat([table_of(plus, A), table_of(minus[:2], B)])
    found = difference(table, CONTRAST, "f2", 50)
    assert found.seeds == [0, 1]
    assert np.isnan(found.interval).all()
    assert np.isfinite(found.mean)


def test_the_error_of_the_mean_over_seeds_alone_is_the_textbooks():
    """Where patients change nothing, two levels are one: s / √n."""
    values = np.random.default_rng(4).normal(0, 1, 6)
    found = two_level(np.tile(values, (20000, 1)))
    assert found == pytest.approx(values.std(ddof=1) / 6**0.5, rel=0.03)


def test_a_score_of_whole_runs_has_the_paired_t_interval():
    runs = pd.DataFrame(
        [(arm, "cnn", seed, score + 0.1 * (arm == "a")) for arm in "ab" for seed, score in enumerate([0.5, 0.7, 0.6])],
        columns=["arm", "part", "seed", "auroc"],
    )
    runs.loc[0, "auroc"] += 0.03
    found = by_run(runs, CONTRAST, "auroc")
    assert found.mean == pytest.approx(0.11)
    assert found.error == pytest.approx(0.03 / 3**0.5 / 3**0.5)


def test_holms_steps():
    adjusted = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": float("nan")})
    assert adjusted["a"] == pytest.approx(0.04)
    assert adjusted["c"] == pytest.approx(0.09)
    assert adjusted["b"] == pytest.approx(0.09), "never below a smaller p's"
    assert np.isnan(adjusted["d"])
    assert holm({"a": 0.6, "b": 0.7}) == {"a": 1.0, "b": 1.0}


@pytest.mark.parametrize(
    ("mean", "p", "said"),
    [
        (0.1, 0.01, "shown"),
        (-0.1, 0.01, "contradicted"),
        (0.1, 0.06, "not shown"),
        (0.1, np.nan, "too few seeds"),
    ],
)
def test_verdicts(mean, p, said):
    assert verdict(mean, p, 0.05) == said


# --- the page


@pytest.fixture
def tables():
    """Made-up runs of all arms."""
    rng, runs, patients = np.random.default_rng(5), [], []
    for arm in PLAN.arms:
        parts = {"cnn": 3, "cnn_lstm": 3} | (
            {"trained": 4, "untrained": 4, "thumbnails": 4} if arm == "figures" else {}
        )
        for part, count in parts.items():
            for seed in range(5):
                sums = rng.integers(1, 30, (40, count)).astype(float)
                names = records.AT_HALF if count == 3 else records.OF_LEVEL
                lines = pd.DataFrame(sums, columns=names).rename_axis("patient").reset_index()
                if count == 3:
                    lines[records.AT_BEST] = sums
                else:
                    lines["squares"] += 1000
                patients.append(lines.assign(arm=arm, part=part, seed=seed))
                line = {"arm": arm, "seed": seed, "part": part, "average_precision": rng.random(), "plan": "p"}
                runs.append(line | {"commit": "c0", "cpu": "CPU", "precision": "32-true", "threads": 1.0})
    return pd.DataFrame(runs).assign(minutes=1.5), pd.concat(patients)


def test_the_page_is_made_of_the_tables_alone_and_twice_the_same(committed, tables, tmp_path):
    for name in ("first", "second"):
        write_report(PLAN, tables, tmp_path / f"{name}.md", tmp_path / f"{name}.png")
    assert (tmp_path / "first.md").read_bytes() == (tmp_path / "second.md").read_bytes()
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "second.png").read_bytes()
    page = (tmp_path / "first.md").read_text()
    for answer in answers(PLAN, tables[1]):
        assert f"| {answer.claim.text} | {answer.verdict} | {number(answer.decides.mean, '+')} (" in page
    assert "Not finished" not in page


def test_a_sixth_seed_changes_the_page(committed, tables, tmp_path):
    write_report(PLAN, tables, tmp_path / "five.md", tmp_path / "five.png")
    more = [pd.concat([table, table[table["seed"] == 0].assign(seed=5)]) for table in tables]
    write_report(PLAN, more, tmp_path / "six.md", tmp_path / "six.png")
    five, six = ((tmp_path / f"{name}.md").read_text() for name in ("five", "six"))
    assert five != six
    assert "seed 5" in six
    assert "seed 5" not in five


def test_there_is_no_verdict_before_all_seeds_of_the_plan_are_run(tables):
    patients = tables[1]
    for answer in answers(PLAN, patients[patients["seed"] != 2]):
        assert answer.verdict == "4 of 5 seeds run"
    with_another = pd.concat([patients, patients[patients["seed"] == 0].assign(seed=9)])
    assert all(answer.is_whole and "seeds run" not in answer.verdict for answer in answers(PLAN, with_another))


def test_a_claim_without_runs_is_said_to_be_not_run(committed, tables, tmp_path):
    some = [table[~table["arm"].str.startswith("simclr")] for table in tables]
    write_report(PLAN, some, tmp_path / "page.md", tmp_path / "page.png")
    page = (tmp_path / "page.md").read_text()
    assert "**Not finished**: SimCLR pre-training helps where labels are few." in page
    assert "| 0 of 5 seeds run |" in page


def test_the_committed_page_is_that_of_the_committed_tables(tmp_path):
    write_report(PLAN, records.read_tables(), tmp_path / "claims.md", tmp_path / "claims.png")
    assert (tmp_path / "claims.md").read_text() == Path("docs/claims.md").read_text(), "run `hohoho study report`"


def test_numbers_are_written_as_the_pages_write_them():
    assert number(-0.0123, "+") == "−.012"
    assert number(1.5) == "1.500"
    assert number(float("nan")) == ""
    assert p_text(0.0002) == "< .001"
    assert re.fullmatch(r"[a-f0-9]{40}|", plan_hash())
    assert set(MEASURES) == {"f2", "f2_best", "r2"}
