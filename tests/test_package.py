"""`hohoho export`: one folder that predicts as the run did, says what it is, and notices when it was changed."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from ct_files import save_all
from finished_run import finished_run, hashes
from new_heads import head

from hohoho.cli import main
from hohoho.errors import InputError
from hohoho.models.backbones import SliceClassifier, build_backbone, save_classifier
from hohoho.models.lstm import ScanLstm, save_lstm
from hohoho.models.sums import write_sums
from hohoho.package import export as exporting
from hohoho.package.claim import CLAIM
from hohoho.package.export import copy_models, export
from hohoho.predict.api import predict
from hohoho.predict.models import load_models

FILES = ["README.md", "calibration.json", "cnn/input.json", "cnn/model.json", "cnn/model.safetensors", "familiar.npz"]
FILES += ["lstm/model.json", "lstm/model.safetensors", "package.json", "scores.json"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return finished_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def package(run, tmp_path_factory):
    out = tmp_path_factory.mktemp("packages") / "package"
    main(["export", "--run", str(run), "--out", str(out)])
    return out


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_package_is_whole_the_same_each_time_and_lists_itself(run, package, tmp_path):
    export(run, tmp_path / "again")
    assert contents(tmp_path / "again") == contents(package)
    assert sorted(contents(package)) == sorted([*FILES, "SHA256SUMS"])
    subprocess.run(["sha256sum", "--quiet", "--strict", "-c", "SHA256SUMS"], cwd=package, check=True)
    assert [path.name for path in package.parent.iterdir()] == ["package"]


def test_it_predicts_alone_in_another_folder_what_the_run_predicts(run, package, tmp_path, monkeypatch):
    save_all(head(slices=12), tmp_path / "in")
    shutil.copytree(package, tmp_path / "moved")
    monkeypatch.chdir(tmp_path)
    for name, model in (("there", run / "models"), ("here", "moved")):
        main(["predict", "in", "--model", str(model), "--out", name])
    assert contents(tmp_path / "there") == contents(tmp_path / "here")
    (result,) = predict("in", model="moved")
    assert json.loads((tmp_path / "here/prediction.json").read_text())["scan"] == result.summary["scan"]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("has_own_cnn", [False, True])
def test_onnx_gives_the_same_numbers_for_any_number_of_slices(channels, has_own_cnn, tmp_path):
    torch.manual_seed(2)
    source, inputs = tmp_path / "models", {"image_size": 32}
    cnns = [source / name for name in ("cnn", "lstm/cnn")][: 1 + has_own_cnn]
    for folder in cnns:
        cnn = SliceClassifier("resnet18", build_backbone("resnet18", channels), [0.2] * channels, [0.3] * channels, 0.5)
        cnn.backbone.bn1.running_mean.normal_()  # a trained network's statistics are no zeros
        save_classifier(folder, cnn)
    save_lstm(source / "lstm", ScanLstm(512, 8))
    (source / "cnn/input.json").write_text(json.dumps(inputs))
    copy_models(source, tmp_path / "onnx", "onnx", 32)
    ours, theirs = load_models(source), load_models(tmp_path / "onnx")
    assert not list((tmp_path / "onnx").rglob("*.safetensors")) and theirs.classifier is None
    assert ours.sha256.keys() == theirs.sha256.keys() and ours.sha256 != theirs.sha256
    for count in (1, 2, 13, 300):
        pixels = np.random.default_rng(count).integers(0, 256, (count, 32, 32), dtype=np.uint8)
        runs = [slice(0, count // 2), slice(count // 2, count)][count == 1 :]
        one, other = ours.ask(runs, pixels), theirs.ask(runs, pixels)
        for model, raw in one.raw.items():
            np.testing.assert_allclose(other.raw[model], raw, atol=1e-5)
        np.testing.assert_allclose(other.embeddings, one.embeddings, atol=1e-4)


def test_an_onnx_package_answers_and_its_page_says_why_it_has_no_saliency(run, tmp_path):
    save_all(head(slices=6), tmp_path / "in")
    main(["export", "--run", str(run), "--out", str(tmp_path / "package"), "--format", "onnx"])
    main(["predict", str(tmp_path / "in"), "--model", str(tmp_path / "package"), "--out", str(tmp_path / "out")])
    page = (tmp_path / "out/report.html").read_text()
    assert "ONNX graphs" in page and 'id="saliency"' not in page
    assert "onnxruntime" in (tmp_path / "package/README.md").read_text()


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("spoil", ["cut", "flip", "remove"])
def test_a_package_that_was_changed_is_refused_by_name(name, spoil, package, tmp_path):
    folder = shutil.copytree(package, tmp_path / "package")
    path, content = folder / name, (folder / name).read_bytes()
    changed = {"cut": content[:-1], "flip": content[:9] + bytes([content[9] ^ 1]) + content[10:]}
    path.unlink() if spoil == "remove" else path.write_bytes(changed[spoil])
    with pytest.raises(InputError, match=name):
        load_models(folder)


def test_an_unfinished_or_changed_run_is_not_packed(run, tmp_path):
    def refused(match):
        with pytest.raises(InputError, match=match):
            export(root, tmp_path / "out")
        assert not (tmp_path / "out").exists()

    root = shutil.copytree(run, tmp_path / "run")
    (root / "metrics/details.json").write_text("{}")
    refused("details.json is not what dvc.lock says")
    (root / "models/calibration.json").unlink()
    shutil.copyfile(run / "metrics/details.json", root / "metrics/details.json")
    refused("calibration.json")
    shutil.copyfile(run / "models/calibration.json", root / "models/calibration.json")
    shutil.copyfile(root / "models/lstm/model.safetensors", root / "models/cnn/model.safetensors")
    refused("fitted to other models")
    (root / "dvc.lock").unlink()
    refused("dvc.lock does not exist")


def test_what_a_killed_export_left_is_removed_by_the_next_one_and_nothing_else(run, tmp_path):
    done = subprocess.run(["sh", "-c", "echo $$"], capture_output=True, text=True, check=True)
    dead, alive = (tmp_path / f".out.building-{pid}" for pid in (done.stdout.strip(), os.getppid()))
    other = tmp_path / ".outer.building-1"
    for folder in (dead, alive, other):
        folder.mkdir()
    export(run, tmp_path / "out")
    assert not dead.exists() and alive.exists() and other.exists()


def test_only_a_package_is_replaced_and_only_when_asked(run, package, tmp_path, monkeypatch):
    out = shutil.copytree(package, tmp_path / "out")
    (out / "note.txt").write_text("of the older package")
    with pytest.raises(InputError, match="--force"):
        export(run, out)
    with monkeypatch.context() as broken, pytest.raises(OSError, match="broken"):
        broken.setattr(exporting, "write_card", lambda *_: (_ for _ in ()).throw(OSError("broken")))
        export(run, out, force=True)
    assert (out / "note.txt").exists() and [path.name for path in tmp_path.iterdir()] == ["out"]
    export(run, out, force=True)
    assert contents(out) == contents(package)
    (tmp_path / "mine").mkdir()
    with pytest.raises(InputError, match="no package"):
        export(run, tmp_path / "mine", force=True)


def test_the_card_is_made_of_the_run_and_tells_no_path(run, package):
    card = (package / "README.md").read_text()
    _, head_of_card, body = card.split("---\n", 2)
    metadata, details = yaml.safe_load(head_of_card), json.loads((run / "metrics/details.json").read_text())
    (result,) = metadata["model-index"][0]["results"]
    test = details["slices"]["cnn_lstm"]["test"]
    assert {metric["type"]: metric["value"] for metric in result["metrics"]} == {
        "f2": test["micro"]["f2"]["value"],
        "auroc": test["macro"]["auroc"]["value"],
        "recall": test["micro"]["recall"]["value"],
    }
    assert f"{test['sdh']['f2']['value']:.3f}" in body and "no guarantee" in body
    assert body.count("| not done |") >= 5 and f"| {len(CLAIM)} |" in body and "{" not in body
    assert "Not a medical device" in body
    for name, content in contents(package).items():
        assert b"secret" not in content and str(run).encode() not in content, name


def test_a_run_of_other_data_has_another_licence_and_no_word_of_synthetic_heads(run, tmp_path):
    root = shutil.copytree(run, tmp_path / "run")
    record = json.loads((root / "models/cnn/input.json").read_text())
    (root / "models/cnn/input.json").write_text(json.dumps(record | {"source": "rsna"}))
    export(root, tmp_path / "out")
    card = (tmp_path / "out/README.md").read_text()
    assert "license: other" in card and "synthetic" not in card


def test_what_a_package_needs_is_what_it_says(package):
    record = json.loads((package / "package.json").read_text())
    assert record["model_sha256"] == hashes(package) == record["trained_model_sha256"]
    assert record["labels"] == ["ich", "ivh", "sah", "sdh", "edh"] and len(record["input"]["channels"]) == 3
    assert record["parameters"]["train_cnn.epochs"] and "data.root" not in record["parameters"]
    assert record["test"]["slices: micro F2"]["value"] is not None


def test_sums_of_files_in_folders_and_with_spaces(tmp_path):
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b/c d.txt").write_text("x")
    write_sums(tmp_path)
    assert Path(tmp_path, "SHA256SUMS").read_text().endswith("  a b/c d.txt\n")
