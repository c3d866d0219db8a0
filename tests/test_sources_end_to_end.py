"""A miniature of every data set runs through all seven stages, in one process."""

import json

import numpy as np
import pandas as pd
import pytest
from miniatures import (
    PATIENTS,
    SLICES,
    write_course,
    write_cq500,
    write_ct_ich_pictures,
    write_ct_ich_volumes,
    write_dicom,
    write_rsna,
)
from stage_runs import linked, run_stages

from hohoho.labels import LABELS
from hohoho.slices.split import SPLITS
from hohoho.slices.store import SCAN_LABELS

TINY = [
    "ingest.image_size=32",
    "backbone.start=random",
    "split.val_fraction=0.25",
    "split.test_fraction=0.25",
    "train_cnn.epochs=1",
    "train_lstm.epochs=1",
    "train_lstm.units=4",
    "evaluate.bootstrap=100",
    "runtime.workers=1",
    "runtime.threads=1",
    "runtime.accelerator=cpu",
    "runtime.progress=false",
]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """run(overrides): all seven stages on the composed parameters, in a folder of their own, which is returned."""
    folder = linked(tmp_path / "repository")
    monkeypatch.setenv("HOHOHO_PSEUDONYM_KEY", "a key for tests only")

    def run_all(*overrides):
        run_stages(folder, monkeypatch, [*overrides, *TINY])
        return folder

    return run_all


def f2(folder):
    return json.loads((folder / "metrics/scores.json").read_text())["f2"]


def predictions(folder):
    """data/predictions.parquet; complete, and with probabilities by both models."""
    table = pd.read_parquet(folder / "data/predictions.parquet")
    assert len(table) == PATIENTS * SLICES
    for model in ("cnn", "cnn_lstm"):
        values = table[[f"{model}_{label}" for label in LABELS]].to_numpy()
        assert np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1
    return table


@pytest.mark.parametrize(
    ("source", "write"),
    [("rsna", write_rsna), ("dicom", write_dicom), ("ct_ich", write_ct_ich_volumes), ("ct_ich", write_ct_ich_pictures)],
    ids=["rsna", "dicom", "ct_ich-nifti", "ct_ich-jpeg"],
)
def test_data_with_labelled_slices_run_through_and_are_scored(run, tmp_path, source, write):
    data = tmp_path / "data set"
    write(data)
    labels = [f"data.labels={data}/labels.csv"] if source == "dicom" else []
    root = data / "ct" if source == "dicom" else data
    folder = run(f"data={source}", f"data.root={root}", *labels, f"evaluate.figures={source == 'rsna'}".lower())
    assert predictions(folder)[LABELS].notna().all(axis=None)
    assert all(0 <= f2(folder)[split] <= 1 for split in SPLITS)
    assert json.loads((folder / "metrics/ingest.json").read_text())["patients"] == PATIENTS


def test_the_courses_unlabelled_test_set_has_no_score_and_a_submission(run, tmp_path):
    write_course(tmp_path / "course")
    folder = run("data=course", f"data.root={tmp_path}/course")
    table = predictions(folder)
    assert table.loc[table["split"] == "test", LABELS].isna().all(axis=None)
    assert f2(folder)["test"] is None and 0 <= f2(folder)["val"] <= 1
    assert json.loads((folder / "metrics/scores.json").read_text())["all_positive"]["test"] is None
    submission = pd.read_csv(folder / "data/submission.csv")
    unlabelled = [path.stem for path in (tmp_path / "course/test").rglob("*.jpg")]
    assert set(submission["ID"]) == {f"{image}_{label}" for image in unlabelled for label in LABELS}
    assert len(submission) == 2 * SLICES * len(LABELS)
    assert set(submission["prediction"]) <= {0, 1}


def test_data_with_labelled_scans_train_on_weak_targets_and_no_slice_is_scored(run, tmp_path):
    write_cq500(tmp_path / "cq500")
    folder = run("data=cq500", f"data.root={tmp_path}/cq500")
    studies = pd.read_parquet(folder / "data/slices/studies.parquet").set_index("study")
    stacks = pd.read_parquet(folder / "data/stacks/stacks.parquet")
    assert stacks[LABELS].to_numpy().tolist() == studies.loc[stacks["study"], SCAN_LABELS].to_numpy().tolist()
    assert pd.read_csv(folder / "metrics/plots/train_cnn.csv")["val_f2"].between(0, 1).all()
    table = predictions(folder)
    assert set(table["split"]) == set(SPLITS)
    assert table[LABELS].isna().all(axis=None)
    assert f2(folder) == dict.fromkeys(SPLITS)
    assert pd.read_csv(folder / "data/submission.csv").empty


def test_scans_without_labelled_slices_are_refused_where_their_labels_are_ignored(run, tmp_path):
    write_cq500(tmp_path / "cq500")
    with pytest.raises(SystemExit, match="ERROR: no slice has a label"):
        run("data=cq500", f"data.root={tmp_path}/cq500", "stack.scan_labels=ignore")
    assert not (tmp_path / "repository/data/stacks").exists()
