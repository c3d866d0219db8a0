"""A record goes with its experiment and repeats it, with DVC itself on the fake pipeline."""

import json
import shutil

import fake_pipeline as fake
import pytest
import yaml


@pytest.fixture(scope="module")
def repository(fake_repository, tmp_path_factory):
    """A repository in which a row has been run."""
    folder = fake.finished(fake_repository, tmp_path_factory.mktemp("reproduce") / "repository")
    shutil.copytree(fake_repository / "metrics/costs", folder / "metrics/costs")  # where the first stages ran
    ran = fake.command(folder, "dvc exp run -n table2-c5 -S row=table2_c5 -S seed=3")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return folder


def shown(folder, path, name="table2-c5"):
    """A file of an experiment's commit."""
    reference = fake.command(folder, f"git for-each-ref --format=%(refname) refs/exps/*/*/{name}").stdout.strip()
    return fake.command(folder, f"git show {reference}:{path}").stdout


def hashes_of(lock):
    """Path → MD5 of all outputs of a dvc.lock."""
    return {out["path"]: out["md5"] for stage in yaml.safe_load(lock)["stages"].values() for out in stage["outs"]}


def test_an_experiment_carries_a_record_of_itself_that_git_does_not_show(repository):
    record = json.loads(shown(repository, "reproduce.json"))
    assert record["command"] == "dvc exp run -n table2-c5 -S row=table2_c5 -S seed=3"
    assert (record["experiment"], record["params"]["row"], record["params"]["seed"]) == ("table2-c5", "table2_c5", 3)
    assert record["baseline"] == fake.command(repository, "git rev-parse HEAD").stdout.strip()
    assert record["hashes"] == hashes_of(shown(repository, "dvc.lock"))
    assert record["scores"]["f2.test"] == json.loads(shown(repository, "metrics/scores.json"))["f2"]["test"]
    assert None not in record["stages"].values()  # the first three ran before the experiment, in the same folder
    assert "reproduce.json" not in fake.command(repository, "git status --porcelain").stdout


def test_a_repeated_run_has_the_same_hashes_and_one_that_was_not_foreseen_ends_in_1(repository):
    record = json.loads(shown(repository, "reproduce.json"))
    record["hashes"]["metrics/report.html"], record["scores"]["f2.val"] = "0" * 32, 2.0
    (repository / "other.json").write_text(json.dumps(record))
    again = fake.command(repository, "hohoho reproduce other.json")
    assert again.returncode == 1, again.stdout + again.stderr
    assert "nothing differs here" in again.stdout
    count = len(record["hashes"])
    assert f"{count - 1} of {count} outputs are the same\n2 of 3 numbers are the same\n" in again.stdout
    told = [line.split() for line in again.stdout.splitlines() if "NO REASON NAMED" in line]
    assert [line[0] for line in told] == ["metrics/report.html", "f2.val"]
    assert hashes_of(shown(repository, "dvc.lock", "table2-c5-reproduced")) == hashes_of(shown(repository, "dvc.lock"))
    rows = json.loads(fake.command(repository, "hohoho rows --table 2 --format json").stdout)
    assert list(rows[4]["seeds"]) == ["3"]  # a repeated run is no other seed


def test_what_comes_from_dvcs_cache_has_no_record_and_says_how_to_get_one(repository):
    for name in ("table2-c5", "table2-c5-reproduced"):
        fake.command(repository, f"dvc exp remove {name}")
    cached = fake.command(repository, "dvc exp run -n cached -S row=table2_c5 -S seed=3")
    assert cached.returncode == 0 and "> PATH" not in cached.stdout, cached.stdout
    refused = fake.command(repository, "hohoho reproduce table2_c5 --dry")
    assert refused.returncode == 2 and "dvc exp run --force -n cached" in refused.stderr, (
        refused.stdout + refused.stderr
    )
