"""What a stage is told reaches what does the work: stages one by one, on made-up tables and without training."""

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from fake_pipeline import ROOT
from new_heads import save_untrained
from scored_slices import guesses, scans
from stage_runs import linked

from hohoho.errors import InputError
from hohoho.files import write_json, write_parquet
from hohoho.inference.store import write_array
from hohoho.labels import LABELS
from hohoho.rows.composition import compose
from hohoho.slices.stacks import read_pretraining, read_statistics
from hohoho.slices.store import SCAN_ANY, SCAN_LABELS

SIDE, FACTS = 8, {"kernel": "H30s", "manufacturer": "ACME", "age_band": "60-69", "sex": "F"}
FACTS |= {"thickness_mm": 5.0, "tilt_deg": 0.0, "gap_mm_median": 5.0}


class Enough(Exception):
    """The stage has said what it was asked for."""


@pytest.fixture
def stage(tmp_path, monkeypatch):
    """(name, overrides, slice table, who is in the small set) → the module of a stage that has these to read."""
    folder = linked(tmp_path / "repository")

    def ready(name, *overrides, slices=None, small=()):
        slices = scans(40) if slices is None else slices
        slices = slices.assign(image=[f"ID_{row}" for row in range(len(slices))])
        slices["pixel_hash"] = slices["image"]
        studies = slices.groupby("study", as_index=False)[["patient"]].first().assign(split=None, **FACTS)
        studies["small"] = studies["patient"].isin(small)
        studies[[*SCAN_LABELS, SCAN_ANY]] = np.nan
        (folder / "data/slices").mkdir(parents=True, exist_ok=True)
        for table, content in (("slices", slices), ("studies", studies), ("test_images", slices[["image"]][:0])):
            write_parquet(folder / f"data/slices/{table}.parquet", content)
        np.save(folder / "data/slices/pixels-0.npy", np.zeros((len(slices), SIDE, SIDE), np.uint8))
        monkeypatch.chdir(ROOT)
        compose(folder / "params.yaml", [*overrides, "split.val_fraction=0.25", "split.test_fraction=0.25"])
        monkeypatch.chdir(folder)
        spec = importlib.util.spec_from_file_location(f"stage_{name}", ROOT / f"stages/{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return ready


def labelled_patients():
    """Split → patients with labels, as `stack` left them."""
    table = pd.read_parquet("data/stacks/stacks.parquet")
    return table[table["split"].isin(["train", "val", "test"])].groupby("split")["patient"].nunique().to_dict()


@pytest.mark.parametrize(("held_back", "val"), [("true", 2), ("false", 10)])
def test_the_small_set_holds_validation_back_as_it_is_told_and_says_that_it_is_drawn(stage, capsys, held_back, val):
    stage("stack", "stack.subset=small", f"stack.hold_back_validation={held_back}").main()
    assert labelled_patients() == {"train": 4, "val": val, "test": 10}
    assert "no small set in the data: 0.2 of the patients are drawn" in capsys.readouterr().out


def test_a_small_set_that_the_data_brings_is_taken_and_none_is_drawn(stage, capsys):
    small = [f"p{number:04d}" for number in range(0, 40, 2)]
    stage("stack", "stack.subset=small", small=small).main()
    table = pd.read_parquet("data/stacks/stacks.parquet")
    assert set(table.loc[table["split"].isin(["train", "val"]), "patient"]) < set(small)
    assert "drawn" not in capsys.readouterr().out


@pytest.mark.parametrize("labelled", [1, 2])
def test_one_labelled_slice_to_train_on_is_refused_in_words(stage, labelled):
    stage("stack").main()
    split = pd.read_parquet("data/stacks/stacks.parquet")["split"]
    slices = scans(40)
    slices.loc[split.index[split == "train"][labelled:], LABELS] = np.nan
    kept = slices.groupby("patient")[LABELS].transform("count").max(axis=1) > 0
    slices, imposed = slices[kept].reset_index(drop=True), split[kept].reset_index(drop=True)
    ready = stage("stack", slices=slices)
    ready.split_patients = lambda *_, **__: imposed.groupby(slices["patient"]).first()
    if labelled == 1:
        with pytest.raises(InputError, match="1 labelled slices are in train, at least 2 are needed"):
            ready.main()
    else:
        ready.main()


@pytest.mark.parametrize(
    ("overrides", "same"),
    [
        (["stack.subset=small"], True),
        (["stack.subset=small", "stack.small_fraction=0.5", "stack.hold_back_validation=false"], True),
        (["stack.labels=relabel_one"], True),
        (["stack.labels=filtered"], True),
        (["split.seed=3"], False),  # whom SimCLR must not see
        (["split.calibration_fraction=0.2"], False),
        (["stack.input=gray"], False),  # another first layer
    ],
)
def test_what_simclr_reads_changes_only_with_what_it_may_see(stage, overrides, same):
    def written(*given):
        stage("stack", *given).main()
        return {path.name: path.read_bytes() for path in sorted(Path("data/pretraining").iterdir())}

    assert (written(*overrides) == written()) == same


def test_simclr_is_told_which_slices_are_kept_out(stage):
    stage("stack", "split.calibration_fraction=0.2").main()
    split = pd.read_parquet("data/stacks/stacks.parquet")["split"]
    seen, norm = read_pretraining(Path("data/pretraining"))
    assert set(split) == {"train", "val", "test", "calibration"}
    assert seen["kept_out"].tolist() == [name if name in ("test", "calibration") else "" for name in split]
    assert norm == {"mean": [0.5] * 3, "std": [0.5] * 3}


@pytest.mark.parametrize("missing", [False, True])
def test_relabelling_stops_at_a_missing_slice(stage, missing):
    slices = scans(40)
    slices = slices.assign(**dict.fromkeys(LABELS, (slices["index"] % 2 == 0).astype(float)))  # 10101 …
    slices["missing_before"] = missing & (slices["index"] > 0)
    stage("stack", "stack.labels=relabel_one", slices=slices).main()
    train = pd.read_parquet("data/stacks/stacks.parquet").query("split == 'train'")
    inner = train["study"].eq(train["study"].shift(-1)) & train["study"].eq(train["study"].shift())
    assert (train.loc[inner, "ich"] == 1).all() != missing


@pytest.mark.parametrize(("name", "threshold"), [("train_cnn", 0.3), ("train_lstm", 0.45)])
def test_both_trainings_choose_their_epoch_at_the_rows_own_threshold(stage, monkeypatch, name, threshold):
    def fit(*args):
        raise Enough(args[-2].threshold)

    stage("stack").main()
    training = stage(name, f"evaluate.threshold={threshold}", "runtime.progress=false")
    write_array(training.SLICES.parent / "embeddings.npy", np.zeros((len(scans(40)), 4), np.float32))
    monkeypatch.setattr(training, "fit", fit)
    monkeypatch.setattr(training, "checkpoint_folder", lambda *_: None)
    backbone = torch.nn.Flatten()
    backbone.num_features = 4
    monkeypatch.setattr(training, "load_initial_backbone", lambda *_: backbone, raising=False)
    with pytest.raises(Enough, match=f"^{threshold}$"):
        training.main()


def test_evaluate_scores_scans_against_true_labels_and_draws_the_rows_own_loss(stage, monkeypatch):
    monkeypatch.setattr("hohoho.figures.gallery.draw_figures", lambda _, run: shown.append(run) or {})
    shown, slices = [], scans(40)
    stage("stack").main()
    save_untrained(Path("models"))
    write_array(Path("data/embeddings.npy"), np.random.default_rng(0).normal(size=(len(slices), 4)))
    for name, array in (("embeddings_end_to_end", np.zeros((0, 1))), ("probabilities/cnn", guesses(slices, 1, 0))):
        write_array(Path(f"data/{name}.npy"), array)
    write_array(Path("data/probabilities/cnn_lstm.npy"), np.zeros((0, 5)))
    write_json(Path("metrics/ingest.json"), {"skipped": {}, "repaired": {}, "warned": {}})
    loss = ["loss.name=asymmetric", "loss.gamma_neg=4", "loss.clip=0.1", "loss.pos_weight=true"]
    evaluate = stage("evaluate", *loss, "evaluate.bootstrap=0")
    monkeypatch.setattr(evaluate, "phantom_of", lambda *_: SimpleNamespace())
    monkeypatch.setattr(evaluate, "true_labels", lambda part, _: np.zeros((len(part), 5)))
    evaluate.main()
    details = pd.read_json("metrics/details.json", typ="series")
    assert details["true_scans"]["any"]["recall"]["value"] is None  # in truth nobody bleeds here
    assert details["scans"]["cnn"]["test"]["max"]["any"]["recall"]["value"] is not None
    (run,) = shown
    assert (run.loss.gamma_neg, run.loss.clip) == (4, 0.1)
    assert run.loss.pos_weight.tolist() == pytest.approx(read_statistics(evaluate.STACKS).pos_weight)
