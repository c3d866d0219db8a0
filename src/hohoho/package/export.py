"""`hohoho export`: the trained models as one folder that predicts anywhere.

cnn/, lstm/        weights (safetensors or ONNX) and what they are
calibration.json   thresholds, calibration of slices and scans, limits of the three answers
familiar.npz       what the training scans are like, for doubts
package.json       input, order of the labels, data, parameters, versions: for other programs
scores.json        the run's headline
README.md          the model card
SHA256SUMS         checked whenever the package is loaded
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import psutil

from hohoho.errors import InputError
from hohoho.files import replace_folder, write_json
from hohoho.labels import LABELS
from hohoho.models.backbones import load_classifier
from hohoho.models.hashes import model_hashes
from hohoho.models.lstm import load_lstm
from hohoho.models.onnx import ONNX, write_onnx_cnn, write_onnx_lstm
from hohoho.models.sums import SUMS, write_sums
from hohoho.package.card import write_card
from hohoho.package.run import FinishedRun, read_run
from hohoho.package.shown import shown_scores

CALIBRATION, FAMILIAR, SCORES = "calibration.json", "familiar.npz", "scores.json"
RECORD, CARD = "package.json", "README.md"


def export(root: Path, out: Path, form: str = "safetensors", force: bool = False) -> None:
    """Pack the run in `root` into `out`; the same run gives the same bytes. form: safetensors or onnx.

    Raises InputError where the run is not finished, or `out` exists: with `force`, another package is replaced.
    """
    run = read_run(root)
    with new_package(out, force) as folder:
        copy_models(run.folder, folder, form, run.models.inputs["image_size"])
        sha256 = model_hashes(folder / "cnn", folder / "lstm")
        write_json(folder / CALIBRATION, run.models.calibration | {"model_sha256": sha256})
        shutil.copyfile(run.folder / FAMILIAR, folder / FAMILIAR)
        write_json(folder / SCORES, run.scores)
        write_json(folder / RECORD, package_record(run, form, sha256))
        write_card(folder / CARD, run, form)


@contextmanager
def new_package(out: Path, force: bool) -> Iterator[Path]:
    """A folder to fill; in the end its SHA256SUMS are written, and it takes the place of `out`."""
    if out.exists() and not force:
        raise InputError(f"{out} exists: give another --out, or --force to replace a package")
    if out.exists() and not (out / SUMS).is_file():
        raise InputError(f"{out} is no package (it has no {SUMS}), so it is not replaced: give another --out")
    for left in out.parent.glob(f".{out.name}.building-*"):  # by a process that was killed
        if not psutil.pid_exists(int(left.name.rpartition("-")[2])):
            shutil.rmtree(left)
    building = out.with_name(f".{out.name}.building-{os.getpid()}")
    try:
        building.mkdir(parents=True)
        yield building
        write_sums(building)
        replace_folder(building, out)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def copy_models(source: Path, folder: Path, form: str, image_size: int) -> None:
    """Weights in the wanted format, and the small files that say what they are."""
    for description in sorted(source.glob("*/**/*.json")):
        target = folder / description.relative_to(source)
        if target.parts[len(folder.parts)] in ("cnn", "lstm"):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(description, target)
    cnns = [path for path in ("cnn", "lstm/cnn") if (source / path).is_dir()]
    if form == "safetensors":
        for path in (*cnns, "lstm"):
            weights = source / path / "model.safetensors"
            if weights.is_file():
                shutil.copyfile(weights, folder / path / weights.name)
        return
    for path in cnns:
        write_onnx_cnn(folder / path / ONNX, load_classifier(source / path), image_size)
    if lstm := load_lstm(source / "lstm"):
        write_onnx_lstm(folder / "lstm" / ONNX, lstm)


def package_record(run: FinishedRun, form: str, sha256: dict[str, str]) -> dict:
    """What another program needs to use the package, and what it was made of."""
    window = dict(zip(("center_hu", "width_hu"), run.models.window, strict=True))
    return {
        "format": form,
        "labels": list(LABELS),
        "input": {
            "channels": ["the slice below", "the slice", "the slice above"]
            if run.models.channels == 3
            else ["the slice"],
            "order": "slices from foot to head; at an end of the scan and beside a missing slice, the slice itself "
            "stands in for its neighbour",
            "values": "HU in the window as 0 to 255, uint8; averaged to size_px in true proportions, air around it",
            "size_px": run.models.inputs["image_size"],
            "window": window,
        },
        "trained_on": run.models.inputs["source"],
        "data": run.details["data"],
        "test": shown_scores(run.details),
        "parameters": run.parameters,
        "model_sha256": sha256,
        "trained_model_sha256": run.models.sha256,
        "versions": {name: version(name) for name in ("hohoho", "torch", "torchvision")},
    }
