"""A scan unlike those of training is told, each with its own reason; one like them is not doubted."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from hohoho.errors import InputError
from hohoho.inference import familiar as module
from hohoho.inference.familiar import FAR, familiar, read_familiar, write_familiar
from hohoho.predict import doubts as doubting
from hohoho.predict.doubts import NO_HU, doubts
from hohoho.scans.scan import WARNED, Note, Scan
from hohoho.scans.verdict import verdict

FEATURES, SCANS, SLICES = 6, 120, 20
STRETCH = np.diag([5.0, 1, 1, 1, 1, 0.1])  # directions in which training differs much and little


def training(seed=0):
    """Embeddings, stack table and study table of 120 training scans and of one scan that is not."""
    study = np.repeat([f"s{n:03d}" for n in range(SCANS + 1)], SLICES)
    split = np.where(study == f"s{SCANS:03d}", "test", "train")
    embeddings = np.random.default_rng(seed).normal(size=(len(study), FEATURES)) @ STRETCH
    embeddings[split == "test"] = 1e6
    table = pd.DataFrame({"study": study, "patient": study, "split": split})
    studies = pd.DataFrame({"study": np.unique(study), "gap_mm_median": 5.0, "kernel": "H30s", "manufacturer": "ACME"})
    studies.loc[3, ["gap_mm_median", "kernel"]] = [2.5, None]
    return embeddings, table, studies, Grey()


class Grey:
    """Pixels of a store: every slice is as grey as its number says."""

    def take(self, rows):
        return np.broadcast_to((np.asarray(rows) % 256).astype(np.uint8)[:, None, None], (len(rows), 2, 2))


def head(seed, factor=1.0):
    return factor * np.random.default_rng(seed).normal(size=(SLICES, FEATURES)) @ STRETCH


def test_new_scans_like_training_are_rarely_far_and_others_are(tmp_path):
    known = familiar(*training())
    far = np.mean([known.distance(head(seed)) > known.farthest for seed in range(1000, 1400)])
    assert far <= 1 - FAR + 0.03
    assert known.distance(head(0, factor=2.0)) > known.farthest
    aside = head(0) + np.array([0, 0, 0, 0, 0, 1.0])  # small in numbers, in a direction in which training is narrow
    assert known.distance(aside) > known.farthest > known.distance(head(0) + np.array([2.0, 0, 0, 0, 0, 0]))
    assert (known.fewest_slices, known.step_mm.tolist()) == (SLICES, [2.5, 5.0])
    assert known.kernels.tolist() == ["H30s"] and known.manufacturers.tolist() == ["ACME"]
    assert known.distances[0] < known.distances[50] < known.distances[100] and known.distances[50] < known.farthest
    grey = np.arange(SCANS * SLICES) % 256  # of the training slices
    np.testing.assert_allclose(known.grey_shares, np.bincount(grey, minlength=256) / len(grey))
    write_familiar(tmp_path / "a.npz", known)
    again = read_familiar(tmp_path / "a.npz")
    assert again.distance(head(0)) == known.distance(head(0)) and again.fewest_slices == SLICES
    write_familiar(tmp_path / "b.npz", again)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert read_familiar(tmp_path / "none.npz") is None


def test_what_another_version_wrote_is_refused(tmp_path):
    write_familiar(tmp_path / "a.npz", familiar(*training()))
    with np.load(tmp_path / "a.npz") as stored:
        np.savez(tmp_path / "b.npz", **{name: stored[name] for name in stored if name != "distances"})
    with pytest.raises(InputError, match="another version.*distances"):
        read_familiar(tmp_path / "b.npz")


def test_only_training_scans_count_and_of_many_whole_ones_are_drawn(monkeypatch):
    embeddings, table, studies, pixels = training()
    assert familiar(embeddings, table, studies, pixels).farthest < 10  # the other scan lies at a million
    monkeypatch.setattr(module, "MOST_SLICES", 500)
    rows = module._training_rows(table)
    assert len(rows) <= 500 and set(table["study"].iloc[rows].value_counts()) == {SLICES}


@pytest.mark.parametrize("patients", [1, 2])
def test_few_patients_and_embeddings_that_never_vary_are_no_error(patients):
    table = pd.DataFrame({"study": "s", "patient": [f"p{n % patients}" for n in range(4)], "split": "train"})
    studies = pd.DataFrame({"study": ["s"], "gap_mm_median": [np.nan], "kernel": [None], "manufacturer": [None]})
    known = familiar(np.zeros((4, FEATURES), np.float32), table, studies, Grey())
    assert known.distance(np.zeros((2, FEATURES))) == 0 <= known.farthest


def scan(slices=SLICES, step=5.0, **own):
    z = step * np.arange(slices)
    labels = np.full((slices, 5), np.nan, np.float32)
    usual = {"kernel": "H30s", "manufacturer": "ACME"} | own
    return Scan("p", "s", tuple(map(str, range(slices))), None, z, np.ones((slices, 2)), labels, **usual)


@pytest.fixture
def found():
    """The doubts about a scan whose embeddings are its pixels, under a model that knows `training()`."""
    known = familiar(*training())
    models = SimpleNamespace(embed=lambda runs, pixels: pixels.reshape(len(pixels), -1), familiar=known)

    def of(scan, pixels=None, warnings=()):
        pixels = head(0) if pixels is None else pixels
        said = verdict([Note(WARNED, warning) for warning in warnings], is_taken=True)
        embeddings, pixels = pixels.reshape(len(pixels), -1), pixels.reshape(-1, 2, FEATURES // 2)
        return doubts(scan, said, [slice(0, len(pixels))], pixels, embeddings, models)

    return of


def test_a_scan_like_those_of_training_is_not_doubted(found, monkeypatch):
    monkeypatch.setattr(doubting, "NEARER", 0.0)  # these made-up pictures have no right way round
    assert found(scan()) == []
    assert found(scan(kernel=None, manufacturer=None)) == []


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"slices": 8}, "8 slices; no training scan has fewer than 20"),
        ({"step": 1.0}, "slices are 1.0 mm apart; in training 2.5 to 5.0 mm"),
        ({"step": 10.0}, "slices are 10.0 mm apart"),
        ({"kernel": "BONE"}, "the kernel BONE was not in training"),
        ({"manufacturer": "Other"}, "the scanner's maker Other was not in training"),
    ],
)
def test_each_difference_has_its_own_reason(found, monkeypatch, other, reason):
    monkeypatch.setattr(doubting, "NEARER", 0.0)
    (said,) = found(scan(**other), head(0)[: other.get("slices", SLICES)])
    assert reason in said


@pytest.mark.parametrize("warning", NO_HU)
def test_values_that_are_no_hu_are_a_reason(found, monkeypatch, warning):
    monkeypatch.setattr(doubting, "NEARER", 0.0)
    assert found(scan(), warnings=[warning]) == [NO_HU[warning]]


def test_no_head_in_most_slices_is_a_reason_and_in_a_few_is_none(found, monkeypatch):
    monkeypatch.setattr(doubting, "NEARER", 0.0)
    assert "no head" in found(scan(), warnings=["nothing_in_brain_range"] * 11)[0]
    assert found(scan(), warnings=["nothing_in_brain_range"] * 3) == []


def test_pictures_unlike_training_and_those_that_are_like_it_upside_down(found):
    assert "unlike the training scans" in found(scan(), head(0, factor=3.0))[0]
    lying = head(0).reshape(-1, 2, FEATURES // 2)[:, ::-1].reshape(-1, FEATURES)
    assert any("it seems to lie upside down" in said for said in found(scan(), lying))


def test_every_reason_of_the_hu_check_is_known():
    told = Path(doubting.__file__).parents[1].joinpath("scans/hu_check.py").read_text()
    assert all(f'"{name}"' in told for name in NO_HU)
