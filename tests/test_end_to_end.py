"""All seven stages in a temporary clone, on a tiny phantom; and what follows from that one run."""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import fake_pipeline
import numpy as np
import pandas as pd
import pytest
from doc_commands import blocks
from sklearn.metrics import fbeta_score
from stage_runs import linked, run_stages
from test_stage import set_parameter

from hohoho.cli import main
from hohoho.labels import LABELS
from hohoho.models.backbones import load_classifier
from hohoho.models.devices import resolve_precision
from hohoho.models.lstm import load_lstm
from hohoho.slices.split import SPLITS
from hohoho.stage.costs import STAGES

ROOT = Path(__file__).parents[1]
TINY = [
    "phantom.patients=12",
    "phantom.size_px=64",
    "ingest.image_size=32",
    "train_cnn.epochs=1",
    "simclr.enabled=true",
    "simclr.epochs=1",
    "train_lstm.epochs=2",
    "train_lstm.units=8",
    "evaluate.bootstrap=100",
    "split.val_fraction=0.25",
    "split.test_fraction=0.25",
    "runtime.workers=1",
    "runtime.progress=false",
]
PLAIN = [*TINY, "evaluate.figures=false"]  # the figures are drawn once, by the clone's first run


def run(command, folder, check=True, **variables):
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"} | variables
    environment.pop("DVC_STAGE", None)
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, f"{command} failed:\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """The working tree as it is, as a repository of its own, run through once."""
    folder = tmp_path_factory.mktemp("clone") / "hohoho"
    folder.mkdir()
    tracked = run(["git", "ls-files", "-co", "--exclude-standard"], ROOT).stdout.splitlines()
    for name in tracked:
        if (ROOT / name).is_file() and name != "dvc.lock" and not name.startswith("metrics/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    run(["git", "init", "-q"], folder)
    run(["git", "config", "user.email", "test@example.org"], folder)
    run(["git", "config", "user.name", "test"], folder)
    run(["hohoho", "params", *TINY], folder)
    run(["dvc", "repro"], folder)
    run(["git", "add", "-A"], folder)
    run(["git", "commit", "-qm", "tiny"], folder)
    return folder


def ran(output):
    return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]


def test_a_second_run_has_nothing_to_do_and_what_the_stages_cost_is_no_output(clone):
    done = run(["dvc", "repro"], clone)
    assert ran(done.stdout) == []
    assert "up to date" in done.stdout
    assert len(list((clone / "metrics/costs").glob("*.json"))) == len(STAGES)
    assert run(["git", "status", "--porcelain"], clone).stdout == ""


def test_scores_can_be_recomputed_from_the_predictions(clone):
    scores = json.loads((clone / "metrics/scores.json").read_text())
    table = pd.read_parquet(clone / "data/predictions.parquet")
    assert {"f2", "cnn", "cnn_lstm", "all_positive"} < set(scores)
    for split in SPLITS:
        part = table[table["split"] == split]
        targets = part[LABELS].to_numpy()
        for model in ("cnn", "cnn_lstm"):
            positive = part[[f"{model}_{label}" for label in LABELS]].to_numpy() >= 0.5
            expected = fbeta_score(targets, positive, beta=2, average="micro")
            assert scores[model][f"f2_{split}"] == pytest.approx(expected, abs=1e-6)
        assert scores["f2"][split] == scores["cnn_lstm"][f"f2_{split}"]


def test_no_patient_is_in_two_splits(clone):
    stacks = pd.read_parquet(clone / "data/stacks/stacks.parquet")
    assert set(stacks["split"]) == set(SPLITS)
    assert (stacks.groupby("patient")["split"].nunique() == 1).all()
    assert (stacks.groupby("patient")["study"].nunique() > 1).any(), "no patient with two studies to part"


def test_the_precision_that_was_computed_in_is_recorded_with_each_model_and_reported(clone):
    expected = resolve_precision("auto", "cpu")
    recorded = [
        json.loads((clone / f"models/{model}/model.json").read_text())["precision"] for model in ("cnn", "lstm")
    ]
    assert recorded == [expected, "32-true"]
    assert expected in (clone / "metrics/report.html").read_text()


def test_a_knob_runs_the_stages_that_need_it_and_setting_it_back_runs_none(repository):
    for knobs, stages in ((["train_lstm.training=skip"], ["train_lstm", "evaluate"]), ([], [])):
        run(["hohoho", "params", *knobs], repository)
        assert ran(run(["dvc", "repro"], repository).stdout) == stages


def test_another_run_of_all_stages_in_another_process_gives_the_same_bytes(clone, tmp_path, monkeypatch):
    again = linked(tmp_path / "again")
    run_stages(again, monkeypatch, PLAIN)
    kept = [*clone.glob("models/*/*"), clone / "metrics/scores.json", clone / "data/predictions.parquet"]
    names = [path.relative_to(clone) for path in kept if path.is_file() and path.name != ".gitignore"]
    assert Path("models/init/backbone.safetensors") in names
    assert [name for name in names if (again / name).read_bytes() != (clone / name).read_bytes()] == []


@pytest.fixture
def copy(clone, tmp_path):
    """The data, models and metrics of the clone, in a folder where a test may run stages anew."""
    folder = linked(tmp_path / "copy")
    for name in ("data", "models", "metrics"):
        shutil.copytree(clone / name, folder / name, ignore=shutil.ignore_patterns("raw"))
    shutil.copy(clone / "params.yaml", folder)
    return folder


def test_without_an_lstm_the_score_of_a_run_is_that_of_its_cnn(copy, monkeypatch):
    run_stages(copy, monkeypatch, [*PLAIN, "train_lstm.training=skip"], ["train_lstm", "evaluate"])
    scores = json.loads((copy / "metrics/scores.json").read_text())
    assert "cnn_lstm" not in scores
    assert scores["f2"] == {split: scores["cnn"][f"f2_{split}"] for split in SPLITS}


def test_a_killed_stage_goes_on_from_its_last_epoch_and_leaves_no_checkpoint(copy, monkeypatch, capfd):
    work, two_epochs = copy / ".checkpoints/train_cnn", [*PLAIN, "train_cnn.epochs=2"]
    run_stages(copy, monkeypatch, two_epochs, [])
    stage = subprocess.Popen([sys.executable, ROOT / "stages/train_cnn.py"])
    fake_pipeline.wait_until(lambda: list(work.glob("*/*.ckpt")) or stage.poll() is not None, "a checkpoint")
    stage.kill()
    stage.wait()
    capfd.readouterr()
    run_stages(copy, monkeypatch, two_epochs, ["train_cnn"])
    said = capfd.readouterr()
    assert re.search(r"train_cnn goes on: [12] of 2 epochs are there already", said.out)
    assert f"its last run (PID {stage.pid}) was killed" in said.err
    assert len((copy / "metrics/plots/train_cnn.csv").read_text().splitlines()) == 3
    assert not work.exists()


def test_the_end_to_end_row_runs_with_the_default_precision_on_a_cpu_without_bf16_units(copy, monkeypatch):
    run_stages(copy, monkeypatch, [*PLAIN, "train_lstm.training=end_to_end", "train_lstm.epochs=1"], [])
    run([sys.executable, ROOT / "stages/train_lstm.py"], copy, ONEDNN_MAX_CPU_ISA="AVX2")
    assert json.loads((copy / "models/lstm/model.json").read_text())["precision"] == "32-true"


def test_prediction_needs_no_label_and_names_nobody(clone, tmp_path, monkeypatch):
    truth = pd.read_csv(clone / "data/raw/phantom/truth/slices.csv")
    study = truth[truth["study_uid"] == truth["study_uid"].iloc[0]]
    folder = tmp_path / "study"
    folder.mkdir()
    for name in study["image_id"]:
        shutil.copy(clone / f"data/raw/phantom/stage_2_train/{name}.dcm", folder)
    monkeypatch.chdir(clone)
    main(["predict", str(folder), "--out", str(tmp_path / "out")])
    table = pd.read_csv(tmp_path / "out/predictions.csv")
    assert len(table) == len(study)
    assert table["position_mm"].is_monotonic_increasing
    assert np.nanmax(table.filter(regex="^cnn").to_numpy()) <= 1
    summary = json.loads((tmp_path / "out/prediction.json").read_text())
    assert "Not a medical device" in summary["notice"]
    assert summary["calibration"] == json.loads((clone / "models/calibration.json").read_text())
    assert study["patient_id"].iloc[0] not in (tmp_path / "out/prediction.json").read_text()


def test_the_models_come_by_name_from_python(clone, tmp_path, monkeypatch):
    for model in ("cnn", "lstm"):
        run(["git", "tag", "-a", "-m", "tiny", f"{model}@v1.0.0"], clone)
    monkeypatch.chdir(tmp_path)
    exec(blocks("running.md", "The models by name", "python")[0], {"REPOSITORY": str(clone)})
    for path in (clone / "models").glob("*/*"):
        if path.parent.name != "init":
            assert (tmp_path / path.relative_to(clone)).read_bytes() == path.read_bytes()
    assert load_classifier(Path("models/cnn")) and load_lstm(Path("models/lstm"))


WRONG = {
    "train_cnn.batch_size: 0 is less": {"train_cnn.batch_size": 0},
    "loss.name: 'hinge' is not one of": {"loss.name": "hinge"},
    "data.root: needs the folder": {"data.source": "rsna", "data.root": None, "phantom.patients": 0},
    "/nowhere: no such file": {"data.source": "rsna", "data.root": "/nowhere", "phantom.patients": 0},
}


@pytest.mark.parametrize("said", WRONG)
def test_wrong_settings_end_in_one_message_before_any_work(tmp_path, monkeypatch, said):
    folder = linked(tmp_path / "repository")
    shutil.copy(ROOT / "params.yaml", folder)
    for name, value in WRONG[said].items():
        set_parameter(folder / "params.yaml", name, value)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("DVC_STAGE", "ingest")
    with pytest.raises(SystemExit, match=f"(?s)^ERROR: .*{re.escape(said)}") as ended:
        runpy.run_path(str(ROOT / "stages/ingest.py"), run_name="__main__")
    assert "Traceback" not in str(ended.value)
    assert not (folder / "data").exists()
