"""Two ranks train as one does, also when one of them is killed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import fake_pipeline as fake
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from ranks_at_work import trained, training_of
from safetensors.torch import load_file
from torch import nn
from torch.utils.data import BatchSampler

from hohoho.errors import InputError
from hohoho.models.backbones import to_float
from hohoho.models.initial import save_initial_backbone
from hohoho.params import runtime
from hohoho.ranks import STAGE_PID, Part, part_of
from hohoho.scores.f2 import micro_f2
from hohoho.slices.batches import EpochShuffle
from hohoho.training import batch_norm
from hohoho.training.augment import Augmentation, augment
from hohoho.training.ranks import Parts, parted, whole_batch_layers

WORK = Path(__file__).parent / "ranks_at_work.py"
AGENT = [sys.executable, "-m", "hohoho.stage.agent", "--standalone", "--nproc-per-node=2", "--max-restarts=1"]
QUIET = {"OMP_NUM_THREADS": "1", "TORCH_CPP_LOG_LEVEL": "ERROR"}
KINDS = ("train_cnn", "frozen", "end_to_end", "simclr")
COUNTS = st.integers(1, 40)


def in_two_ranks(folder, *kinds, kill=False):
    """Kind → (curves, weights), of trainings in two ranks; what they said."""
    folder.mkdir()
    if kill:
        (folder / "kill").touch()
    environment = fake.environment(**QUIET, **{STAGE_PID: str(os.getpid()), "PYTHONPATH": str(fake.ROOT / "src")})
    ended = subprocess.run([*AGENT, WORK, folder, *kinds], env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found = {
        kind: (json.loads((folder / f"{kind}.json").read_text()), load_file(folder / f"{kind}.safetensors"))
        for kind in kinds
    }
    return found, ended.stdout + ended.stderr


@pytest.fixture(scope="module")
def two_ranks(tmp_path_factory):
    return in_two_ranks(tmp_path_factory.mktemp("ranks") / "whole", *KINDS)


@pytest.fixture
def one_thread():
    """As many as each rank has."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("kind", ["train_cnn", "frozen", "end_to_end"])
def test_two_ranks_have_the_curves_and_weights_of_one(two_ranks, one_thread, kind):
    """With dropout, augmentation and clipping; of the last batch they have unequal parts, or one of them none."""
    curves, weights = trained(kind)
    shared, shared_weights = two_ranks[0][kind]
    assert shared == [pytest.approx(row, rel=1e-5) for row in curves]
    for name, value in weights.items():
        torch.testing.assert_close(shared_weights[name], value, rtol=1e-3, atol=1e-4)
    assert set(shared_weights) == set(weights)


def test_the_f2_of_two_ranks_is_that_of_all_their_counts(two_ranks):
    curves, weights = two_ranks[0]["train_cnn"]
    module, _, val = training_of("train_cnn")
    module.model.load_state_dict(weights)
    with torch.no_grad():
        images, targets = val.dataset[list(range(len(val.dataset)))]
        labelled = torch.isfinite(targets).all(1)
        probabilities = module.model.eval()(to_float(images)).sigmoid()[labelled]
    assert curves[-1]["val_f2"] == pytest.approx(
        micro_f2(targets[labelled].numpy(), probabilities.numpy(), 0.5), abs=1e-6
    )


def test_one_rank_killed_and_started_again_by_torchrun_ends_with_the_same_bytes(two_ranks, tmp_path):
    """Which it could not if a repeat differed."""
    found, said = in_two_ranks(tmp_path / "killed", "train_cnn", "frozen", kill=True)
    assert "train_cnn: a rank was killed; if memory ran out" in said
    assert "train_cnn goes on: 1 of 3 epochs are there already" in said
    for kind, (curves, weights) in found.items():
        assert curves == two_ranks[0][kind][0]
        assert all(torch.equal(value, two_ranks[0][kind][1][name]) for name, value in weights.items())


def test_rank_0_alone_prints_and_simclr_is_trained_too(two_ranks):
    (curves, _), said = two_ranks[0]["simclr"], two_ranks[1]
    assert [row["train_loss"] > 0 for row in curves] == [True] * 3
    assert said.count("epochs in 32-true on 2 × cpu (1 threads)") == len(KINDS)
    assert len(said.splitlines()) == len(KINDS), said


@pytest.fixture
def as_rank(monkeypatch):
    """as_rank(number, of): this process takes itself for such a rank."""

    def become(number, of):
        for name, value in {STAGE_PID: 1, "RANK": number, "WORLD_SIZE": of, "LOCAL_WORLD_SIZE": of}.items():
            monkeypatch.setenv(name, str(value))

    return become


@settings(max_examples=50, deadline=None)
@given(total=COUNTS, batch_size=COUNTS, ranks=st.integers(1, 6))
def test_the_parts_of_all_ranks_are_each_batch_of_one_rank_once(total, batch_size, ranks):
    whole = BatchSampler(EpochShuffle(total, 0), batch_size, drop_last=False)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(STAGE_PID, "1")
        patched.setenv("WORLD_SIZE", str(ranks))
        parts = []
        for number in range(ranks):
            patched.setenv("RANK", str(number))
            mine = Parts(whole)
            parts.append(list(mine))
            spans = [mine.part(step) for step in range(len(mine))]
            assert [span.stop - span.start for span in spans] == [len(batch) for batch in parts[-1]]
    joined = [[item for part in step for item in part] for step in zip(*parts, strict=True)]
    assert joined == list(whole)
    sizes = [{len(part) for part in step} for step in zip(*parts, strict=True)]
    assert all(max(size) - min(size) <= 1 for size in sizes)


@settings(max_examples=25, deadline=None)
@given(total=COUNTS, ranks=st.integers(1, 6), scans=st.booleans(), copies=st.integers(1, 2))
def test_a_slice_is_augmented_the_same_with_any_number_of_ranks(total, ranks, scans, copies):
    """Of a batch once, or twice in a row, as SimCLR's two views may be."""
    images = torch.rand(total, 3, 8, 8, generator=torch.Generator().manual_seed(total))
    how = Augmentation(20, True, 0.1, 0.4)

    def augmented(start, stop, part):
        counts = torch.ones(copies * (stop - start), dtype=torch.int64) if scans else None
        copied, generator = images[start:stop].repeat(copies, 1, 1, 1), torch.Generator().manual_seed(0)
        return augment(copied, how, generator, counts, part).unflatten(0, (copies, -1))

    whole = augmented(0, total, None)
    for start, stop in ((total * rank // ranks, total * (rank + 1) // ranks) for rank in range(ranks)):
        if start < stop:
            shared = augmented(start, stop, Part(start, stop, total))
            torch.testing.assert_close(shared, whole[:, start:stop])


@pytest.mark.parametrize("kind", [nn.Dropout, nn.Dropout1d])
def test_a_slice_loses_the_same_features_with_any_number_of_ranks(as_rank, kind):
    layer, values = nn.Sequential(kind(0.5)), torch.rand(7, 6, 1)
    torch.manual_seed(0)
    whole = layer(values)
    for number in range(3):
        as_rank(number, 3)
        part = part_of(7)
        torch.manual_seed(0)
        with whole_batch_layers(layer, lambda part=part: part, "cpu"):
            assert torch.equal(layer(values[part.start : part.stop]), whole[part.start : part.stop])
    assert type(layer[0]) is kind


@pytest.mark.parametrize(("kind", "shape"), [(nn.BatchNorm1d, (5, 4)), (nn.BatchNorm2d, (3, 4, 5, 2))])
def test_batch_normalisation_over_ranks_is_torchs_over_the_whole_batch(as_rank, monkeypatch, kind, shape):
    """This rank's part is the whole batch, and the other one's is empty: what it adds to every sum is zero."""
    monkeypatch.setattr(batch_norm, "all_reduce", lambda value: None)
    values = (10 + torch.rand(shape, generator=torch.Generator().manual_seed(0))).requires_grad_()
    weights = torch.rand(shape, generator=torch.Generator().manual_seed(1))
    seen = []
    for ranks in (1, 2):
        as_rank(0, ranks)
        torch.manual_seed(0)
        layer, values.grad = kind(4), None
        nn.init.uniform_(layer.weight)
        with whole_batch_layers(nn.Sequential(layer), None, "cpu"):
            trained_on = layer(values)
            (trained_on * weights).sum().backward()
        seen.append([trained_on, values.grad, *(p.grad for p in layer.parameters()), *layer.state_dict().values()])
        assert type(layer) is kind
    for one, two in zip(*seen, strict=True):
        torch.testing.assert_close(two, one, rtol=1e-4, atol=1e-4)


def test_ranks_divide_the_cores_of_their_machine(as_rank, in_the_repository, monkeypatch):
    monkeypatch.setattr("hohoho.params.cores", lambda: 7)
    for ranks, threads in ((1, 7), (2, 3), (9, 1)):
        as_rank(0, ranks)
        assert runtime().threads == threads


def test_the_weights_of_simclr_say_how_many_ranks_had_their_own_negatives(tmp_path):
    for ranks, said in ((1, {}), (4, {"ranks": 4})):
        save_initial_backbone(tmp_path, nn.Linear(1, 1), "32-true", ranks)
        expected = {"start": "simclr", "precision": "32-true", **said}
        assert json.loads((tmp_path / "start.json").read_text()) == expected


def test_a_batch_that_is_smaller_than_the_number_of_ranks_is_refused(as_rank):
    as_rank(0, 9)
    batches = SimpleNamespace(batch_sampler=SimpleNamespace(batch_size=8))
    with pytest.raises(
        InputError, match=r"^train_lstm.batch_size is 8, but 9 ranks share each batch: take a larger one"
    ):
        parted(batches, "train_lstm")
