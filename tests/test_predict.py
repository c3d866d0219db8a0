"""`hohoho predict` answers every study of a folder, from the right slices, and says all that ingest would say."""

import json
from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
from ct_files import KEY, WINDOW_HU, save_all
from inventories import find
from new_heads import SIDE, SLICES, head, save_untrained

from hohoho.check.report import check
from hohoho.cli import main
from hohoho.ingest.ingest import ingest


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return save_untrained(tmp_path_factory.mktemp("models"))


def copies(images, number, **tags):
    """The images as another series of the study."""
    images = deepcopy(images)
    for image in images:
        image.SeriesInstanceUID += str(number)
        image.SOPInstanceUID += f".{number}"
        for name, value in tags.items():
            setattr(image, name, value)
    return images


def predict(images, tmp_path, models, *options):
    """The folder that the command filled."""
    save_all(images, tmp_path / "in")
    main(["predict", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--model", str(models), *options])
    return tmp_path / "out"


def summary(folder):
    return json.loads((folder / "prediction.json").read_text())


def in_acquisitions(images):
    for i, image in enumerate(images):
        image.AcquisitionNumber = str(i // 2 + 1)
    return images


def with_a_slice_sent_twice(images):
    return images + copies(images[10:11], 7, SeriesInstanceUID=images[0].SeriesInstanceUID)


def without_one_position(images):
    for image in images:
        image.SliceLocation = str(-float(image.ImagePositionPatient[2]))
    del images[9].ImagePositionPatient
    return images


def without_an_id(images):
    for image in images[::3]:
        image.PatientID = ""
    return images


SAME_HEAD = {
    "split into acquisitions": in_acquisitions,
    "split into acquisitions, one slice sent twice": lambda images: with_a_slice_sent_twice(in_acquisitions(images)),
    "one position missing": without_one_position,
    "some empty patient ids": without_an_id,
    "a contrast copy beside it": lambda images: images + copies(images, 1, ContrastBolusAgent="OMNI 80 ml"),
    "a MIP beside it": lambda images: copies(images, 0, ImageType=["DERIVED", "SECONDARY", "MIP"]) + images,
    "an abdomen beside it": lambda images: images + copies(images, 0, BodyPartExamined="ABDOMEN"),
    "its own bone kernel beside it": lambda images: images + copies(images, 0, ConvolutionKernel="BONE"),
    "a contrast phase in the same series": lambda images: (
        images + copies(images, 1, ContrastBolusAgent="X", SeriesInstanceUID=images[0].SeriesInstanceUID)
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", SAME_HEAD)
def test_one_head_gets_one_answer_however_it_is_sent(how, tmp_path, models):
    plain = predict(head(), tmp_path / "plain", models)
    other = predict(SAME_HEAD[how](head()), tmp_path / "other", models)
    assert (other / "predictions.csv").read_bytes() == (plain / "predictions.csv").read_bytes()
    assert summary(other)["slices"] == SLICES


def test_each_study_of_a_folder_is_answered_and_a_bad_one_stops_none(tmp_path, models, capsys):
    two_patients, empty = head("1.5"), head("1.6")
    two_patients[3].PatientID = "another"
    for image in empty:
        image.PixelData = np.zeros((SIDE, SIDE), np.int16).tobytes()
    out = predict([*head("1.4"), *two_patients, *empty, *head("1.7", 12)], tmp_path, models)
    assert sorted(path.name for path in out.iterdir()) == ["1", "4"]
    assert [summary(out / name)["slices"] for name in ("1", "4")] == [SLICES, 12]
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("study")]
    assert [line.split(": ", 1)[1].split(";")[0].split(":")[0] for line in said][1:3] == ["refused", "skipped"]
    assert "two patients in study" in said[1] and "constant" in said[2]


def without_rescale(image):
    del image.RescaleSlope, image.RescaleIntercept


def cut_off(image):
    image.PixelData = image.PixelData[:-1000]


def of_two_patients(images):
    images[0].PatientID = "another"


@pytest.mark.parametrize(("spoil", "reason"), [(without_rescale, "no_rescale"), (cut_off, "truncated_pixels")])
def test_a_file_that_is_refused_is_told_with_its_own_study_and_no_other(spoil, reason, tmp_path, models):
    good, bad = head("1.4"), head("1.5")
    for image in [*bad, *good[:2]]:
        spoil(image)
    alone = summary(predict([*good, *bad], tmp_path, models))
    assert alone["slices"] == SLICES - 2 and alone["verdict"] == "warned"
    assert alone["reasons"]["skipped"] == {reason: 2}
    (report,) = check(tmp_path / "in")["studies"]
    assert (report["verdict"], report["reasons"]["skipped"]) == ("warned", {reason: 2})


def test_where_no_study_can_be_answered_it_is_an_error(tmp_path, models, capsys):
    images = head()
    images[1].PatientID = "another"
    with pytest.raises(SystemExit):
        predict(images, tmp_path, models)
    assert "no study in it could be answered" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("spoil", [lambda images: None, of_two_patients])
def test_an_out_that_is_no_folder_is_an_error_that_says_so(spoil, tmp_path, models, capsys):
    images = head()
    spoil(images)
    tmp_path.joinpath("out").write_text("a file")
    with pytest.raises(SystemExit):
        predict(images, tmp_path, models)
    assert "give another --out" in capsys.readouterr().err
    assert (tmp_path / "out").read_text() == "a file"


@pytest.mark.parametrize("wanted", ["2", "1.2", "1.2.3.12"])
def test_a_series_can_be_asked_for(wanted, tmp_path, models, capsys):
    sharp = copies(head(slices=20), 2, ConvolutionKernel="BONE")
    chosen = predict([*head(), *sharp], tmp_path / "chosen", models)
    asked = predict([*head(), *sharp], tmp_path / "asked", models, "--series", wanted)
    assert [summary(folder)["slices"] for folder in (chosen, asked)] == [SLICES, 20]
    assert "which has" in capsys.readouterr().out
    assert summary(asked)["series"]["taken"] == "2" and summary(asked)["series"]["why"] == "was asked for"


@pytest.mark.parametrize("wanted", ["0", "3", "2.1", "1.2.99", "soft"])
def test_a_series_that_is_not_there_is_an_error_that_says_how_to_name_one(wanted, tmp_path, models, capsys):
    with pytest.raises(SystemExit):
        predict([*head(), *copies(head(), 2)], tmp_path, models, "--series", wanted)
    assert "`hohoho check`" in " ".join(capsys.readouterr().err.split())


def test_a_prediction_says_all_that_ingest_says_of_the_scan(tmp_path, models):
    images = head()
    del images[14:16]
    for image in images[:4]:
        image.add_new("PixelPaddingValue", "SS", -1000)
    images[20].PixelData = np.zeros((SIDE, SIDE), np.int16).tobytes()
    (tmp_path / "in").mkdir()
    (tmp_path / "in/letter.txt").write_text("no image")
    said = summary(predict([*images, *copies(images, 5, ConvolutionKernel="BONE")], tmp_path, models))
    report = ingest(find(tmp_path / "in"), tmp_path / "store", SIDE, WINDOW_HU, KEY)
    counts = {action: report.counts[action] for action in ("skipped", "repaired", "warned")}
    assert said["reasons"] == counts
    assert {said["verdict"]: 1} == report.counts["verdicts"]
    assert {"missing_slice"} <= set(said["reasons"]["warned"]) and "padding" in said["reasons"]["repaired"]
    missing = pd.read_csv(tmp_path / "out/predictions.csv")["missing_before"]
    assert np.flatnonzero(missing).tolist() == [14, 20]  # two were never sent, one has no picture


def test_an_older_answer_is_replaced_only_where_that_is_asked_for(tmp_path, models, capsys):
    out = predict(head(), tmp_path, models)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert set(before) == {"predictions.csv", "prediction.json", "report.html"}
    (out / "predictions.csv").write_text("mine")
    with pytest.raises(SystemExit):
        predict(head(), tmp_path, models)
    assert "--force" in capsys.readouterr().err and (out / "predictions.csv").read_text() == "mine"
    predict(head(), tmp_path, models, "--force")
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
