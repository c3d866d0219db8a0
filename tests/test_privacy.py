"""Nothing of a patient leaves the data: canaries in every corner of the input, none in any output of any stage."""

import base64
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from ct_files import SIDE, ct_slice, ct_study, save, set_pixels
from PIL import Image
from pydicom.dataset import Dataset

from hohoho.labels import LABELS

ROOT = Path(__file__).parents[1]
PATIENTS, SLICES = 8, 6
KEY = "kanari-secret-key-of-the-hospital"
SCALE = ["ingest.image_size=32", "train_cnn.epochs=1", "train_lstm.epochs=1", "train_lstm.units=8", "simclr.epochs=1"]
SCALE += [
    "backbone.start=random",
    "split.val_fraction=0.25",
    "split.test_fraction=0.25",
    "data.max_unmatched_labels=0.5",
]
SCALE += ["simclr.enabled=true", "simclr.batch_size=16", "runtime.workers=1", "runtime.progress=true"]
RUN = """
import os, runpy, sys
from hohoho.cli import main
for stage in ("ingest", "stack", "simclr_pretrain", "train_cnn", "embed", "train_lstm", "evaluate"):
    os.environ["DVC_STAGE"] = stage
    runpy.run_path(f"stages/{stage}.py", run_name="__main__")
main(["predict", sys.argv[1], "--out", "report"])
"""
KILLED = """
import os, runpy, signal
from hohoho.ingest import ingest
ingest.commit_store = lambda *store: os.kill(os.getpid(), signal.SIGKILL)
runpy.run_path("stages/ingest.py", run_name="__main__")
"""

TEXTS = {  # a canary each; what stands here is no date and no number to any reader, and yet has to stay where it is
    **{name: f"Kanari{name}"[:16] for name in ["AccessionNumber", "StudyID", "StationName", "PatientID"]},
    **{
        name: f"Kanari{name}"
        for name in [
            *["PatientName", "OtherPatientIDs", "PatientAddress", "PatientTelephoneNumbers", "PatientComments"],
            *["EthnicGroup", "Occupation", "AdditionalPatientHistory", "ReferringPhysicianName", "OperatorsName"],
            *["PerformingPhysicianName", "RequestingPhysician", "InstitutionName", "InstitutionAddress"],
            *["InstitutionalDepartmentName", "DeviceSerialNumber", "ManufacturerModelName", "StudyDescription"],
            *["SeriesDescription", "ProtocolName", "ImageComments", "RequestedProcedureDescription"],
        ]
    },
    **{
        "PatientBirthDate": "19310417",
        "StudyDate": "19870713",
        "SeriesDate": "19870714",
        "AcquisitionDate": "19870715",
    },
    **{"StudyTime": "134713.371", "ContentTime": "134714.372"},
}
UIDS = ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"]
UID_ROOT = "1.2.826.0.1.77777"
PRIVATE = ["KanariPrivateCreator", "KanariPrivateText", "KanariPrivateBytes", "KanariNested"]
NAMES = ["KanariFolder", "KanariFile", "KanariLetter", "KanariLabelNote"]
CANARIES = [*TEXTS.values(), *PRIVATE, *NAMES, UID_ROOT, KEY]


def marked(image, patient):
    """The image with a canary in every place where something of a patient may stand."""
    for name, text in TEXTS.items():
        setattr(image, name, text)
    image.PatientID = f"{TEXTS['PatientID']}{patient}"
    numbers = [f"{patient}", f"{patient}.1", f"{patient}.1.{image.InstanceNumber}", f"{patient}.9"]
    for name, number in zip(UIDS, numbers, strict=True):
        setattr(image, name, f"{UID_ROOT}.{number}")
    block = image.private_block(0x0029, "KanariPrivateCreator", create=True)
    block.add_new(1, "LO", "KanariPrivateText")
    block.add_new(2, "OB", b"KanariPrivateBytes")
    image.RequestAttributesSequence = [Dataset()]
    image.RequestAttributesSequence[0].ScheduledProcedureStepDescription = "KanariNested"
    return image


def write_tree(root):
    """Studies of several patients, and beside them whatever makes the ingest say something."""
    rng, rows = np.random.default_rng(0), []
    for patient in range(PATIENTS):
        folder = root / f"KanariFolder{patient}"
        for number, image in enumerate(ct_study(SLICES)):
            set_pixels(image, rng.integers(-20, 100, (SIDE, SIDE), dtype=np.int16))
            marked(image, patient)
            spoil(image, patient, number)
            save(image, folder / f"KanariFile{number}.dcm")
            rows.append((image.SOPInstanceUID, *rng.integers(0, 2, 5), "KanariLabelNote"))
        shutil.copy(folder / "KanariFile0.dcm", folder / "KanariFile_again.dcm")
        (folder / "KanariLetter.txt").write_text("Dear KanariPatientName, " * 20)
        save(marked(ct_slice(99, 0), patient), folder / "KanariFileScout").write_bytes(b"KanariLetter")
    rows.append((f"{UID_ROOT}.99", 0, 0, 0, 0, 0, "KanariLabelNote"))
    table = pd.DataFrame(rows, columns=["SOPInstanceUID", *LABELS, "note"])
    table.to_csv(root.parent / "labels.csv", index=False)


def spoil(image, patient, number):
    """Something to skip, to repair or to warn of, in one slice of every patient but the last."""
    if number != 3:
        return
    match patient:
        case 0:
            image.RescaleSlope = ["1", "2"]
        case 1:
            image.add_new("PixelPaddingValue", "SS", int(np.frombuffer(image.PixelData, np.int16)[0]))
        case 2:
            image.PixelData = image.PixelData[:-20]
        case 3:
            set_pixels(image, np.full((SIDE, SIDE), 20, np.int16))
        case 4:
            image.BurnedInAnnotation = "YES"
        case 5:
            image.LossyImageCompression, image.SliceThickness = "01", "9"
        case 6:
            image.ImagePositionPatient = [-8, -8, 13]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """Folder with all that a killed ingest, all stages, DVC and a prediction wrote, and nothing that they read."""
    tree, folder = tmp_path_factory.mktemp("input") / "tree", tmp_path_factory.mktemp("run")
    write_tree(tree)
    project = ("conf", "stages", "src")
    for name in project:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "dvc.yaml", folder)
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": "src",
        "PYTHONWARNINGS": "always",
        "HOME": str(folder / "home"),
        "HOHOHO_PSEUDONYM_KEY": KEY,
    }
    environment.pop("DVC_STAGE", None)

    def run(*command, status=0):
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
        assert done.returncode == status, done.stderr.decode()
        with (folder / "log").open("ab") as log:
            log.write(done.stdout + done.stderr)

    hohoho = ("python", "-m", "hohoho.cli")
    run(*hohoho, "params", "data=dicom", f"data.root={tree}", f"data.labels={tree.parent / 'labels.csv'}", *SCALE)
    run("python", "-c", KILLED, status=-signal.SIGKILL)
    shutil.copytree(folder / ".checkpoints", folder / "killed")
    run("dvc", "init", "--no-scm")
    run("python", "-c", RUN, str(tree / "KanariFolder7"))
    run("dvc", "commit", "--force")
    for name in project:
        shutil.rmtree(folder / name)
    return folder


def contents(path):
    """All that a file says, as bytes: what it holds, and what it holds compressed."""
    yield path.read_bytes()
    if path.suffix == ".parquet":
        yield pd.read_parquet(path).to_csv().encode()
        yield repr(pq.read_schema(path).metadata).encode()
    if path.suffix == ".npz":
        with np.load(path) as arrays:
            yield b"".join(name.encode() + arrays[name].tobytes() for name in arrays.files)
    if path.suffix == ".png":
        yield repr(Image.open(path).info).encode()


def disguises(canary):
    """A text in every form in which it might be written without being meant."""
    plain = canary.encode()
    yield from (plain, plain.upper(), plain.lower(), canary.encode("utf-16-le"), canary.encode("utf-16-be"))
    yield from (plain.hex().encode(), plain.hex().upper().encode())
    for shift in range(3):  # a text within a longer one starts at any of three places in the alphabet of 64
        coded = base64.b64encode(b"\0" * shift + plain)
        yield coded[-(-8 * shift // 6) : 8 * (shift + len(plain)) // 6]  # the letters that its neighbours do not change
    for name in ("md5", "sha1", "sha256"):
        yield hashlib.new(name, plain).hexdigest().encode()


def leaks(folder, canaries):
    """(file, canary) for every canary that a file's name or content holds."""
    forms = {canary: list(disguises(canary)) for canary in canaries}
    found, searched = [], {}  # DVC's cache holds once more what the stages wrote

    def held(told):
        return {canary for canary in canaries if any(form in told for form in forms[canary])}

    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        told = b"\n".join(contents(path))
        digest = hashlib.sha256(told).digest()
        if digest not in searched:
            searched[digest] = held(told)
        inside = searched[digest] | held(str(path.relative_to(folder)).encode())
        found += [(path.name, canary) for canary in canaries if canary in inside]
    return found


def test_no_canary_is_in_any_output_of_any_stage_or_of_predict(outputs):
    ids = [f"{TEXTS['PatientID']}{n}" for n in range(PATIENTS)]
    uids = [f"{UID_ROOT}.{n}{tail}" for n in range(PATIENTS) for tail in ("", ".1", ".1.1", ".9")]
    assert len(TEXTS) + len(UIDS) + len(PRIVATE) >= 20
    assert leaks(outputs, [*CANARIES, *ids, *uids]) == []


def test_what_was_searched_is_what_the_stages_wrote(outputs):
    found = {path.relative_to(outputs).as_posix() for path in outputs.rglob("*") if path.is_file()}
    needed = ["slices/slices.parquet", "slices/studies.parquet", "stacks/stacks.parquet", "predictions.parquet"]
    wanted = {f"data/{name}" for name in needed} | {"metrics/ingest.json", "metrics/ingest_report.csv"}
    wanted |= {"metrics/scores.json", "models/cnn/model.safetensors", "report/prediction.json", "log", "params.yaml"}
    assert wanted | {"dvc.lock"} <= found
    assert any(name.startswith(".dvc/cache/") for name in found)
    assert {Path(name).suffix for name in found if name.startswith("killed/")} >= {".npy", ".json"}
    report = pd.read_csv(outputs / "metrics/ingest_report.csv")
    assert set(report["action"]) == {"skipped", "repaired", "warned"} and report["reason"].nunique() > 8


@pytest.mark.parametrize("folder", ["plots", "tables"])
def test_no_group_of_few_patients_is_in_a_file_that_is_shared(outputs, folder):
    groups = pd.read_csv(outputs / f"metrics/{folder}/subgroups.csv")
    assert "patients" in groups and groups.empty  # two patients are in test


WRITERS = {
    "text": lambda path, canary: path.write_text(f"so {canary} it is"),
    "utf-16": lambda path, canary: path.write_text(canary, encoding="utf-16"),
    "hex": lambda path, canary: path.write_text(canary.encode().hex()),
    "base64": lambda path, canary: path.write_bytes(base64.b64encode(b"one more: " + canary.encode() + b" end")),
    "base64 shifted": lambda path, canary: path.write_bytes(base64.b64encode(b"x" + canary.encode() + b" end")),
    "hash": lambda path, canary: path.write_text(hashlib.sha256(canary.encode()).hexdigest()),
    "name": lambda path, canary: path.with_name(canary).touch(),
    "table.parquet": lambda path, canary: pd.DataFrame({"column": [canary] * 99}).to_parquet(path),
    "arrays.npz": lambda path, canary: np.savez_compressed(path, names=np.array([canary.encode()])),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_a_planted_leak_is_found(tmp_path, kind):
    WRITERS[kind](tmp_path / kind, "KanariPatientName")
    assert {canary for _, canary in leaks(tmp_path, CANARIES)} == {"KanariPatientName"}
