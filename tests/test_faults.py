"""What goes wrong in a training ends in one message: where it was, in which slices, and what to try."""

import errno
import os
import re
import resource
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import fake_pipeline as fake
import numpy as np
import pandas as pd
import pytest
import torch
from test_resume import DEVICES, assert_same, released, trained  # noqa: F401 - `released` is a fixture
from test_stage import stage_that
from test_training import CPU, slices, training_of  # noqa: F401 - `slices` is a fixture
from torch import nn
from torch.utils.data import DataLoader

from hohoho.errors import InputError, NumericBreakdown
from hohoho.figures.style import note, save
from hohoho.files import atomic, write_csv, write_json, write_parquet
from hohoho.inference.store import write_array
from hohoho.models.weights import save_weights
from hohoho.slices.batches import EpochShuffle, identity_collate
from hohoho.training.fit import Recipe, fit

STUDIES = np.array(["aa"] * 10 + ["bb"] * 14)  # of the 24 slices, as training_of cuts them into scans


class Poisoned:
    """A data set whose slice `row` of the store holds a NaN, from its second epoch on."""

    def __init__(self, scans, row):
        self.scans, self.row, self.fetched = scans, row, 0

    def __len__(self):
        return len(self.scans)

    def __getitems__(self, chosen):
        embeddings, targets, counts = self.scans.__getitems__(chosen)
        self.fetched += len(chosen)
        if self.fetched > len(self):
            embeddings[self.store_rows(chosen) == self.row] = torch.nan
        return embeddings, targets, counts

    def store_rows(self, chosen):
        return self.scans.store_rows(chosen)


@pytest.mark.parametrize("row", [0, 9, 10, 23])
@pytest.mark.parametrize("batch_size", [1, 2])
def test_a_poisoned_slice_stops_the_training_in_its_step_and_is_named(tmp_path, slices, row, batch_size):  # noqa: F811
    module, batches, val = training_of("frozen", slices, 0.01)
    poisoned = Poisoned(batches.dataset, row)
    batches = DataLoader(poisoned, batch_size, sampler=EpochShuffle(2, 0), collate_fn=identity_collate)
    recipe = Recipe("train_lstm", 3, 0, checkpoints=tmp_path, studies=STUDIES)
    steps = []
    module.on_before_zero_grad = lambda _: steps.append(None)
    with pytest.raises(NumericBreakdown) as broken:
        fit(module, batches, val, recipe, CPU)
    words = (
        r"train_lstm: the loss became NaN in epoch 2, step (\d) \(slices (.*)\): lower train_lstm.learning_rate, now .*"
    )
    said = re.fullmatch(words, str(broken.value))
    step = len(steps) - 2 // batch_size + 1
    assert int(said[1]) == step
    named = [(study, int(index)) for study, of in re.findall(r"(\w\w): ([\d, ]+)", said[2]) for index in of.split(",")]
    scans = [("aa", 10), ("bb", 14)]
    order = [scans[number] for number in np.random.default_rng((0, 1)).permutation(2)]
    expected = order if batch_size == 2 else [order[step - 1]]
    assert sorted(named) == sorted((study, index) for study, count in expected for index in range(count))
    assert ("aa" if row < 10 else "bb", row if row < 10 else row - 10) in named
    assert [path.name[:6] for path in tmp_path.glob("*.ckpt")] == ["000001"]


def test_the_slices_of_a_batch_of_stacks_are_those_in_the_middle(slices):  # noqa: F811
    slices.rows = np.stack([np.arange(24) - 1, np.arange(24), np.arange(24) + 1], axis=1).clip(0, 23)
    module, batches, val = training_of("train_cnn", slices, 0.01)
    with torch.no_grad():
        module.model.head[-1].weight.fill_(torch.nan)
    with pytest.raises(NumericBreakdown) as broken:
        fit(module, batches, val, Recipe("train_cnn", 1, 0, studies=STUDIES), CPU)
    rows = sorted(np.random.default_rng((0, 0)).permutation(24)[:8].tolist())
    of_first, of_second = [row for row in rows if row < 10], [row - 10 for row in rows if row >= 10]
    named = "; ".join(f"{name}: {', '.join(map(str, of))}" for name, of in (("aa", of_first), ("bb", of_second)) if of)
    assert f"in epoch 1, step 1 (slices {named}): lower" in str(broken.value)


MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
    RuntimeError(
        "[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9"
    ),
    MemoryError("std::bad_alloc"),
]


def raising(error):
    """A step that fails."""

    def step(*_):
        raise error

    return step


@pytest.mark.parametrize("error", MEMORY, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(("step", "place"), [("training_step", 1), ("validation_step", 1)])
def test_memory_that_runs_out_names_the_batch_size_to_try(slices, error, step, place):  # noqa: F811
    module, batches, val = training_of("train_cnn", slices, 0.01)
    setattr(module, step, raising(error))
    with pytest.raises(
        InputError, match=r"^train_cnn ran out of memory in epoch 1, step 1: try -S train_cnn.batch_size=4, now 8 \("
    ):
        fit(module, batches, val, Recipe("train_cnn", 1, 0), CPU)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_memory_of_a_gpu_that_runs_out_names_the_batch_size_to_try(slices):  # noqa: F811
    module, batches, val = training_of("train_cnn", slices, 0.01)
    torch.cuda.set_per_process_memory_fraction(1e-3)
    try:
        with pytest.raises(
            InputError, match=r"^train_cnn ran out of memory in .* try -S train_cnn.batch_size=4, now 8"
        ):
            fit(module, batches, val, Recipe("train_cnn", 1, 0), DEVICES[-1])
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def test_another_error_of_torch_stays_what_it_is(slices):  # noqa: F811
    module, batches, val = training_of("train_cnn", slices, 0.01)
    module.training_step = raising(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="^mat1 and mat2"):
        fit(module, batches, val, Recipe("train_cnn", 1, 0), CPU)


LIMITED = """
import resource
import hohoho
import numpy as np
import psutil
import torch
from test_training import CPU, HALF, Pixels, STILL
from hohoho.models.backbones import SliceClassifier, build_backbone
from hohoho.models.losses import build_loss
from hohoho.slices.batches import StackedSlices, training_batches
from hohoho.training.cnn import SliceTraining, optimizer_factory
from hohoho.training.fit import Recipe, fit
from hohoho.training.schedule import constant

torch.set_num_threads(1)
pixels = Pixels(64)
pixels.images = pixels.images.repeat(8, axis=1).repeat(8, axis=2)
slices = StackedSlices(pixels, np.arange(64)[:, None].repeat(3, axis=1), np.zeros((64, 5)))
how = build_loss("bce", 0, 0, 0, None), optimizer_factory("sgd", 0.1, 0), constant, STILL
module = SliceTraining(SliceClassifier("resnet18", build_backbone("resnet18", 3), HALF, HALF, 0.5), *how)
used = psutil.Process().memory_info().vms
resource.setrlimit(resource.RLIMIT_AS, (used + 300 * 2**20,) * 2)
fit(module, training_batches(slices, 64, 0), None, Recipe("train_cnn", 1, 0), CPU)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of the address space counts on Linux alone")
def test_an_address_space_that_is_too_small_names_the_batch_size_to_try():
    paths = os.pathsep.join([str(Path(__file__).parent), str(fake.ROOT / "src")])
    environment = fake.environment(PYTHONPATH=paths)
    ended = subprocess.run([sys.executable, "-c", LIMITED], env=environment, capture_output=True, text=True)
    said = ended.stderr.splitlines()[-1]
    assert "InputError: train_cnn ran out of memory in epoch 1, step 1: try -S train_cnn.batch_size=32, now 64" in said


class Deadly:
    """A data set whose second batch kills the worker that fetches it."""

    def __init__(self, slices):  # noqa: F811
        self.slices = slices

    def __len__(self):
        return len(self.slices)

    def __getitems__(self, chosen):
        if 0 in chosen:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.slices.__getitems__(chosen)


def test_a_data_worker_that_dies_is_named(slices):  # noqa: F811
    module, _, _ = training_of("train_cnn", slices, 0.01)
    batches = DataLoader(Deadly(slices), 8, collate_fn=identity_collate, num_workers=1)
    with pytest.raises(
        InputError, match=r"^train_cnn: the data worker with PID \d+ died in epoch 1, as it happens where"
    ):
        fit(module, batches, None, Recipe("train_cnn", 1, 0), CPU)


@contextmanager
def files_of_at_most(size):
    """No file grows beyond so many bytes: what a full disk does, at a place that the test chooses."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def noisy_figure(path):
    figure = note("title", "text")
    figure.figimage(np.random.default_rng(0).random((99, 999)))
    save(path, figure)


TABLE = pd.DataFrame({"x": np.random.default_rng(0).random(9999)})
WRITERS = {
    "json": lambda path: write_json(path, TABLE["x"].tolist()),
    "csv": lambda path: write_csv(path, TABLE),
    "parquet": lambda path: write_parquet(path, TABLE),
    "array": lambda path: write_array(path, TABLE.to_numpy()),
    "figure": noisy_figure,
    "weights": lambda path: save_weights(path, nn.Linear(99, 99)),
}


@pytest.mark.parametrize("size", [0, 1000, 8192, 20000])
@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_disk_that_is_full_leaves_the_earlier_file_and_is_told(tmp_path, write, size):
    path = tmp_path / "file"
    path.write_text("earlier")
    with (
        files_of_at_most(size),
        pytest.raises(InputError, match="file: no room to write it .*; make some and run the same"),
    ):
        write(path)
    assert [(found.name, found.read_text()) for found in tmp_path.iterdir()] == [("file", "earlier")]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_no_room_is_told_and_any_other_error_stays_what_it_is(tmp_path, repository, monkeypatch, number):
    with pytest.raises(InputError, match="no room"), atomic(tmp_path / "a"):
        raise OSError(number, os.strerror(number))
    with pytest.raises(PermissionError), atomic(tmp_path / "a"):
        raise PermissionError(errno.EACCES, "Permission denied")
    message = stage_that(monkeypatch, "embed", raising(OSError(number, os.strerror(number))))
    assert message.startswith(
        f"ERROR: embed has no room on the disk ({os.strerror(number)}); make some. The same command"
    )


def test_a_disk_that_fills_during_a_training_costs_its_running_epoch_alone(tmp_path, slices):  # noqa: F811
    whole = trained(tmp_path / "whole", "frozen", slices)
    resource_limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with pytest.raises(InputError, match=r"000002-\w+.ckpt: no room to write it \(File too large\)"):
            fill = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource_limits[1]))  # noqa: E731
            trained(tmp_path, "frozen", slices, ("training_step", 4), then=fill)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, resource_limits)
    assert [path.name[:6] for path in tmp_path.glob("work/*.ckpt")] == ["000001"]
    assert not list(tmp_path.rglob(".*"))
    assert_same(whole, trained(tmp_path, "frozen", slices))
