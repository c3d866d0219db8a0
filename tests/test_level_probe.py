import numpy as np
import pytest
import torch
from figure_run import run_of

from hohoho.figures.embedding_map import project
from hohoho.figures.level_probe import controls, level_probe, probe_run, read_levels, sample, untrained
from hohoho.models.backbones import to_float
from hohoho.slices.stacks import channel_rows

SPLIT = np.repeat(["train", "val", "test"], [200, 60, 60])
LEVEL = np.random.default_rng(0).integers(0, 30, len(SPLIT))


def r2_of(embeddings, level=LEVEL, split=SPLIT):
    return level_probe(read_levels({"r2": embeddings}, level, split), ["r2"]).set_index("split")["r2"]


def test_the_probe_reads_off_a_level_that_was_planted():
    noise = np.random.default_rng(1).normal(size=(len(SPLIT), 8)).astype(np.float32)
    noise[:, 3] = noise[:, 5] + LEVEL
    assert (r2_of(noise) > 0.99).all()


def test_the_probe_finds_nothing_in_noise():
    noise = np.random.default_rng(1).normal(size=(len(SPLIT), 8)).astype(np.float32)
    assert (r2_of(noise)[["val", "test"]] < 0.1).all()


def test_the_probe_learns_nothing_from_validation_and_test():
    embeddings = np.random.default_rng(1).normal(size=(len(SPLIT), 8)).astype(np.float32)
    embeddings[:, 0] = np.where(SPLIT == "train", 0, LEVEL)
    assert r2_of(embeddings)["test"] < 0.1


def test_many_features_hide_no_level():
    """More features than slices: the penalty is chosen, so that a probe of 512 features is no worse than one of 8."""
    rng = np.random.default_rng(1)
    wide = LEVEL[:, None] * rng.normal(size=512) + 5 * rng.normal(size=(len(SPLIT), 512))
    assert (r2_of(wide.astype(np.float32)) > 0.95).all()


def test_a_split_of_one_slice_has_no_r2():
    split, noise = np.array(["train"] * 20 + ["test"]), np.random.default_rng(0).normal(size=(21, 4))
    found = level_probe(read_levels({"r2": noise}, np.arange(21), split), ["r2"]).set_index("split")
    assert found["slices"].to_dict() == {"train": 20, "val": 0, "test": 1}
    assert found["r2"].isna().to_dict() == {"train": False, "val": True, "test": True}


def test_the_levels_that_were_read_give_the_r2_again_and_say_whose_slices_they_are():
    run = run_of()
    scores, read = probe_run(run)
    for split, part in read.groupby("split"):
        wrong = (part["r2_trained"] - part["level"]) ** 2
        spread = (part["level"] - part["level"].mean()) ** 2
        r2 = scores.set_index("split").loc[split, "r2_trained"]
        assert r2 == pytest.approx(1 - wrong.sum() / spread.sum(), abs=1e-4)
    assert set(read["patient"]) <= set(range(run.slices["patient"].nunique()))


def test_the_untrained_network_is_the_trained_ones_architecture_and_the_same_every_time():
    trained = run_of(channels=1).classifier
    torch.manual_seed(7)
    first, drawn, second = untrained(trained, 0), torch.rand(1), untrained(trained, 0)
    assert {name: value.shape for name, value in first.state_dict().items()} == {
        name: value.shape for name, value in trained.state_dict().items()
    }
    assert torch.equal(first.backbone.conv1.weight, second.backbone.conv1.weight)
    assert not torch.equal(first.backbone.conv1.weight, untrained(trained, 1).backbone.conv1.weight)
    torch.manual_seed(7)
    assert torch.equal(torch.rand(1), drawn), "the global generator is left alone"


def test_the_controls_are_shown_the_stacks_that_the_trained_network_is_shown():
    run, rows = run_of(), np.array([0, 7, 12])
    torch.nn.init.normal_(run.classifier.backbone.conv1.weight)  # as if it were trained
    embeddings, thumbnails = controls(run, rows)
    stacks = run.pixels.take(channel_rows(run.stacks, 3)[rows]).reshape(3, 3, 32, 32)
    with torch.no_grad():
        expected = untrained(run.classifier, 0).eval().embed(to_float(torch.from_numpy(stacks)))
    np.testing.assert_allclose(embeddings, expected, rtol=1e-4, atol=1e-4)
    means = stacks.reshape(3, 3, 8, 4, 8, 4).mean((3, 5)) / 255
    np.testing.assert_allclose(thumbnails, means.reshape(3, -1), rtol=1e-4)


def test_a_sample_is_sorted_repeatable_and_never_larger_than_asked():
    taken = sample(SPLIT, "val", 10, seed=3)
    assert len(set(taken.tolist())) == 10
    assert (SPLIT[taken] == "val").all()
    assert (np.diff(taken) > 0).all()
    assert taken.tolist() == sample(SPLIT, "val", 10, seed=3).tolist()
    assert sample(SPLIT, "val", 60, seed=3).tolist() == list(range(200, 260))


def test_the_map_is_the_same_for_the_same_seed_and_keeps_far_groups_apart():
    rng = np.random.default_rng(0)
    groups = np.concatenate([rng.normal(0, 1, (20, 6)), rng.normal(50, 1, (20, 6))]).astype(np.float32)
    points = project(groups, seed=0)
    assert np.array_equal(points, project(groups, seed=0))
    apart = np.linalg.norm(points[:20].mean(0) - points[20:].mean(0))
    assert apart > 2 * max(points[:20].std(), points[20:].std())
