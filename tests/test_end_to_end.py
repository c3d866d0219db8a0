"""All seven stages in a temporary clone, on a tiny phantom."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import yaml
from doc_commands import blocks
from sklearn.metrics import fbeta_score

from hohoho.labels import LABELS
from hohoho.models.backbones import load_classifier
from hohoho.models.devices import resolve_precision
from hohoho.models.lstm import load_lstm
from hohoho.slices.split import SPLITS
from hohoho.stage.costs import STAGES

ROOT = Path(__file__).parents[1]
TINY = [
    "phantom.patients=24",
    "phantom.size_px=64",
    "ingest.image_size=32",
    "train_cnn.epochs=1",
    "simclr.epochs=1",
    "train_lstm.epochs=2",
    "train_lstm.units=8",
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


def test_a_second_run_has_nothing_to_do(clone):
    done = run(["dvc", "repro"], clone)
    assert ran(done.stdout) == []
    assert "up to date" in done.stdout


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


def test_a_knob_runs_the_stages_that_need_it_and_setting_it_back_runs_none(clone):
    for knob, stages in (
        ("evaluate.smoothing=true", ["evaluate"]),
        ("train_lstm.training=skip", ["train_lstm", "evaluate"]),
    ):
        run(["hohoho", "params", *PLAIN, knob], clone)
        assert ran(run(["dvc", "repro"], clone).stdout) == stages
    run(["hohoho", "params", *TINY], clone)
    assert ran(run(["dvc", "repro"], clone).stdout) == []


def test_the_precision_that_was_computed_in_is_recorded_with_each_model_and_reported(clone):
    expected = resolve_precision("auto", "cpu")
    recorded = [
        json.loads((clone / f"models/{model}/model.json").read_text())["precision"] for model in ("cnn", "lstm")
    ]
    assert recorded == [expected, "32-true"]
    assert expected in (clone / "metrics/report.html").read_text()


def test_a_killed_stage_goes_on_from_its_last_epoch_and_leaves_no_checkpoint(clone):
    work = clone / ".checkpoints/train_cnn"
    run(["hohoho", "params", *PLAIN, "train_cnn.epochs=2"], clone)
    environment = os.environ | {"PYTHONPATH": "src"}
    stage = subprocess.Popen([sys.executable, "stages/train_cnn.py"], cwd=clone, env=environment)
    while not list(work.glob("*/*.ckpt")) and stage.poll() is None:
        time.sleep(0.02)
    stage.kill()
    stage.wait()
    again = run([sys.executable, "stages/train_cnn.py"], clone, PYTHONPATH="src")
    assert re.search(r"train_cnn goes on: [12] of 2 epochs are there already", again.stdout)
    assert f"its last run (PID {stage.pid}) was killed" in again.stderr
    assert len((clone / "metrics/plots/train_cnn.csv").read_text().splitlines()) == 3
    assert not work.exists()
    run(["hohoho", "params", *TINY], clone)
    run(["dvc", "checkout", "-q", "-f"], clone)
    assert ran(run(["dvc", "repro"], clone).stdout) == []


def test_what_the_stages_cost_is_no_output_of_the_pipeline(clone):
    assert len(list((clone / "metrics/costs").glob("*.json"))) == len(STAGES)
    assert run(["git", "status", "--porcelain"], clone).stdout == ""
    assert "up to date" in run(["dvc", "status"], clone).stdout


def test_the_end_to_end_row_runs_with_the_default_precision_on_a_cpu_without_bf16_units(clone):
    without = {"ONEDNN_MAX_CPU_ISA": "AVX2"}
    run(["hohoho", "params", *PLAIN, "train_lstm.training=end_to_end", "train_lstm.epochs=1"], clone)
    assert ran(run(["dvc", "repro"], clone, **without).stdout) == ["train_lstm", "evaluate"]
    settings = json.loads((clone / "models/lstm/model.json").read_text())
    assert settings["precision"] == "32-true"
    run(["hohoho", "params", *TINY], clone)
    assert ran(run(["dvc", "repro"], clone).stdout) == []


def test_two_forced_runs_with_simclr_give_the_same_bytes(clone):
    def contents():
        kept = [*clone.glob("models/*/*"), clone / "metrics/scores.json", clone / "data/predictions.parquet"]
        return {path.relative_to(clone): path.read_bytes() for path in kept if path.is_file()}

    run(["hohoho", "params", *PLAIN, "simclr.enabled=true"], clone)
    pretrained = ["simclr_pretrain", "train_cnn", "embed", "train_lstm", "evaluate"]
    assert ran(run(["dvc", "repro"], clone).stdout) == pretrained
    before = contents()
    assert ran(run(["dvc", "repro", "--force"], clone).stdout) == ["ingest", "stack", *pretrained]
    assert contents() == before
    assert Path("models/init/backbone.safetensors") in before
    run(["hohoho", "params", *TINY], clone)
    run(["dvc", "repro"], clone)


def test_an_experiment_in_a_copy_runs_the_copys_code(clone):
    command = ["dvc", "exp", "run", "--temp", *(f"-S{knob}" for knob in PLAIN), "-S", "evaluate.bootstrap=100"]
    done = run(command, clone)
    assert ran(done.stdout + done.stderr) == ["evaluate"]
    source = (clone / "src/hohoho/scores/f2.py").read_text()
    try:
        (clone / "src/hohoho/scores/f2.py").write_text(source + "\nraise SystemExit('the copy speaks')\n")
        failed = run(command, clone, check=False)
        assert "the copy speaks" in failed.stdout + failed.stderr
    finally:
        (clone / "src/hohoho/scores/f2.py").write_text(source)


def test_prediction_needs_no_label_and_names_nobody(clone, tmp_path):
    truth = pd.read_csv(clone / "data/raw/phantom/truth/slices.csv")
    study = truth[truth["study_uid"] == truth["study_uid"].iloc[0]]
    folder = tmp_path / "study"
    folder.mkdir()
    for name in study["image_id"]:
        shutil.copy(clone / f"data/raw/phantom/stage_2_train/{name}.dcm", folder)
    run(["hohoho", "predict", str(folder), "--out", str(tmp_path / "out")], clone)
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


@pytest.fixture
def course(tmp_path):
    """A miniature of the course's layout: 12 labelled patients, 3 of them the small set, 2 unlabelled test patients."""
    rng, rows = np.random.default_rng(0), []
    for number in range(14):
        patient, part = f"ID_{number:010d}", "train" if number < 12 else "test"
        (tmp_path / part / patient).mkdir(parents=True)
        for level in range(5):
            picture = rng.integers(0, 255, (40, 40), dtype=np.uint8)
            cv2.imwrite(str(tmp_path / part / patient / f"{number:010d}_{level}.jpg"), picture)
            rows += [(patient, f"{number:010d}_{level}", *rng.integers(0, 2, 5))] if part == "train" else []
    table = pd.DataFrame(rows, columns=["dirname", "ID", *LABELS])
    table.to_csv(tmp_path / "train.csv", index=False)
    table[table["dirname"] < "ID_0000000003"].to_csv(tmp_path / "train_small.csv", index=False)
    return tmp_path


def test_the_courses_layout_runs_and_leaves_a_submission(clone, course):
    scale = ["ingest.image_size=32", "train_cnn.epochs=1", "backbone.start=random", "train_lstm.epochs=1"]
    scale += ["evaluate.figures=false"]
    knobs = [f"data.root={course}", *scale, "split.val_fraction=0.3", "runtime.progress=false", "runtime.workers=1"]
    try:
        run(["dvc", "exp", "run", "-S", "data=course", *(f"-S{knob}" for knob in knobs)], clone)
        submission = pd.read_csv(clone / "data/submission.csv")
        scores = json.loads((clone / "metrics/scores.json").read_text())
    finally:
        run(["git", "checkout", "-q", "."], clone)
        run(["dvc", "checkout", "-q"], clone)
    expected = {f"{n:010d}_{level}_{label}" for n in (12, 13) for level in range(5) for label in LABELS}
    assert len(submission) == len(expected)
    assert set(submission["ID"]) == expected
    assert set(submission["prediction"]) <= {0, 1}
    assert scores["f2"]["test"] is None
    assert scores["all_positive"]["test"] is None
    assert 0 <= scores["f2"]["val"] <= 1


def test_wrong_settings_end_in_one_message_before_any_work(clone):
    good = (clone / "params.yaml").read_text()
    wrong = {
        "train_cnn.batch_size": ("batch_size: 0 is less", lambda p: p["train_cnn"].update(batch_size=0)),
        "loss.name": ("'hinge' is not one of", lambda p: p["loss"].update(name="hinge")),
        "data.root": ("data.root: needs the folder", lambda p: p["data"].update(source="rsna", root=None)),
        "nowhere": ("/nowhere: no such file", lambda p: p["data"].update(source="rsna", root="/nowhere")),
    }
    try:
        for text, change in wrong.values():
            params = yaml.safe_load(good)
            change(params)
            params["phantom"]["patients"] *= params["data"]["source"] == "phantom"
            (clone / "params.yaml").write_text(yaml.safe_dump(params))
            failed = run(["dvc", "repro", "--no-commit"], clone, check=False)
            assert failed.returncode != 0
            assert text in failed.stderr
            assert "Traceback" not in failed.stderr
            run(["git", "checkout", "-q", "dvc.lock"], clone)
    finally:
        (clone / "params.yaml").write_text(good)
        run(["dvc", "checkout", "-q"], clone)
