import numpy as np

from hohoho.figures.embedding_map import level_probe, project, sample

SPLIT = np.repeat(["train", "val", "test"], [200, 60, 60])
LEVEL = np.random.default_rng(0).integers(0, 30, len(SPLIT))


def r2_of(embeddings):
    return level_probe(embeddings, LEVEL, SPLIT, seed=0).set_index("split")["r2"]


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


def test_a_split_of_one_slice_has_no_r2():
    split = np.array(["train"] * 20 + ["test"])
    found = level_probe(np.random.default_rng(0).normal(size=(21, 4)), np.arange(21), split, 0).set_index("split")
    assert found["slices"].to_dict() == {"train": 20, "val": 0, "test": 1}
    assert found["r2"].isna().to_dict() == {"train": False, "val": True, "test": True}


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
