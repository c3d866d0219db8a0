"""Many studies: each is answered once, the most urgent comes first, and one that fails stops no other."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from ct_files import save_all
from new_heads import head, save_untrained

from hohoho.cli import main
from hohoho.files import write_json
from hohoho.models.hashes import model_hashes
from hohoho.predict import triage as triage_module
from hohoho.predict.triage import INDEX, URGENCY, name_of, triage, urgency, watch
from hohoho.scores.calibration import calibration_record, fit_calibration
from hohoho.scores.scan_probability import fit_scans, scan_record
from hohoho.scores.three_answers import limits, limits_record


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """An untrained CNN, calibrated on numbers that mean nothing."""
    folder, rng = save_untrained(tmp_path_factory.mktemp("models"), image_size=32), np.random.default_rng(0)
    targets = (rng.random((200, 6)) < 0.5).astype(float)
    scans = fit_scans(targets, 2 * targets - 1)
    found = limits(targets[:, 5] > 0, scans.probability(2 * targets - 1)[:, 5], np.arange(200), 0.05, 0.95, "val")
    record = calibration_record({"cnn": fit_calibration(targets[:, :5], rng.random((200, 5)))}, 0.5, False)
    record |= {"scans": {"cnn": scan_record(scans) | {"answers": limits_record(found)}}}
    record |= {"model_sha256": model_hashes(folder / "cnn", folder / "lstm")}
    write_json(folder / "calibration.json", record)
    return folder


def study(uid, slices=12):
    """Files of one head."""
    images = head(uid, slices)
    for image in images:
        image.PatientID = f"Secret-{uid}"
    return images


@pytest.fixture
def root(tmp_path):
    """Three heads, and one of two patients, which is refused."""
    for uid in ("1.2", "1.33", "1.444"):
        save_all(study(uid), tmp_path / "in" / uid)
    mixed = study("1.5555")
    mixed[3].PatientID = "another"
    save_all(mixed, tmp_path / "in/mixed")
    return tmp_path / "in"


def test_every_study_is_answered_and_the_most_urgent_comes_first(root, models, tmp_path):
    table = triage(root, tmp_path / "out", models, workers=1)
    assert set(table["study"]) == {name_of(uid) for uid in ("1.2", "1.33", "1.444", "1.5555")}
    order = [URGENCY.index(answer) for answer in table["answer"]]
    assert order == sorted(order)
    refused = table.set_index("study").loc[name_of("1.5555")]
    assert refused["answer"] == "not answered" and "two patients" in refused["because"]
    for name in table.loc[table["answer"] != "not answered", "study"]:
        assert {path.name for path in (tmp_path / "out" / name).iterdir()} == {
            "predictions.csv",
            "prediction.json",
            "report.html",
        }
        assert f'href="{name}/report.html"' in (tmp_path / "out" / INDEX).read_text()
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out/cohort.parquet"), table)


def test_one_study_has_the_same_answer_alone_and_among_others(root, models, tmp_path):
    triage(root, tmp_path / "many", models, workers=2)
    main(["predict", str(root / "1.33"), "--out", str(tmp_path / "one"), "--model", str(models)])
    for name in ("predictions.csv", "prediction.json", "report.html"):
        assert (tmp_path / "many" / name_of("1.33") / name).read_bytes() == (tmp_path / "one" / name).read_bytes()


def test_what_is_answered_is_not_asked_again_unless_images_have_come(root, models, tmp_path, monkeypatch):
    first = triage(root, tmp_path / "out", models, workers=1)
    asked = []
    real = triage_module.predict_scan
    monkeypatch.setattr(triage_module, "predict_scan", lambda new, *rest: asked.append(new.uid) or real(new, *rest))
    pd.testing.assert_frame_equal(triage(root, tmp_path / "out", models, workers=1), first)
    assert asked == []
    save_all(study("1.2", slices=14)[12:], root / "late")
    triage(root, tmp_path / "out", models, workers=1)
    assert asked == ["1.2"]


def test_a_study_that_breaks_the_model_or_the_reading_stops_no_other(root, models, tmp_path, monkeypatch):
    real = triage_module.predict_scan

    def broken(new, *rest):
        if new.uid == "1.33":
            raise ZeroDivisionError("of this study")
        return real(new, *rest)

    monkeypatch.setattr(triage_module, "predict_scan", broken)
    table = triage(root, tmp_path / "out", models, workers=1).set_index("study")
    assert table.loc[name_of("1.33"), "because"] == "ZeroDivisionError: of this study"
    assert (table["answer"] == "not answered").sum() == 2


def test_nobody_is_named_unless_it_is_asked_for(root, models, tmp_path):
    triage(root, tmp_path / "out", models, workers=1)
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len(written) == 3 * 3 + 3
    assert not [path for path in written if b"Secret" in path.read_bytes() or b"1.444" in path.read_bytes()]
    named = triage(root, tmp_path / "named", models, workers=1, show_identity=True)
    assert "Secret-1.444" in set(named["patient"]) and "1.444" in set(named["study_uid"])


def test_bleeds_come_before_uncertain_before_unanswered_before_none():
    rows = [
        ("no bleed seen", 0.01),
        ("not answered", None),
        ("bleed", 0.8),
        ("uncertain: read now", 0.3),
        ("bleed", 0.9),
    ]
    lines = [{"answer": answer, "probability_any": p, "study": f"{n}"} for n, (answer, p) in enumerate(rows)]
    assert [line["study"] for line in sorted(lines, key=urgency)] == ["4", "2", "3", "1", "0"]


def test_a_watched_folder_is_answered_when_nothing_more_arrives(tmp_path, monkeypatch):
    """Each wait brings one more file, three times; then none."""
    root, asked = tmp_path / "inbox", []
    root.mkdir()
    arrivals = iter(["a", "b", "c", None, None, "d", None])

    def sleep(_):
        name = next(arrivals)
        if name:
            (root / name).write_text(name)

    monkeypatch.setattr(triage_module, "time", SimpleNamespace(sleep=sleep))
    monkeypatch.setattr(triage_module, "triage", lambda root, **how: asked.append(len(list(root.iterdir()))) or "table")
    again = watch(root, out=tmp_path / "out", models=None)
    assert [next(again), next(again)] == ["table", "table"]
    assert asked == [3, 4]


def test_the_command_says_how_many_of_each_and_where(root, models, tmp_path, capsys):
    main(["triage", str(root), "--out", str(tmp_path / "out"), "--model", str(models), "--workers", "1"])
    said = capsys.readouterr().out
    assert "4 studies:" in said and "1 'not answered'" in said and "index.html" in said
    summary = json.loads((tmp_path / "out" / name_of("1.2") / "prediction.json").read_text())
    assert summary["images"] == summary["slices"] == 12
    with pytest.raises(SystemExit):
        main(["triage", str(tmp_path / "none"), "--out", str(tmp_path / "other"), "--model", str(models)])
