"""Precision and threads follow the machine: bf16 where there are units for it, no more threads than cores."""

import numpy as np
import pytest
import torch

from hohoho import machine
from hohoho.errors import InputError
from hohoho.inference.embed import embed
from hohoho.models import devices
from hohoho.models.backbones import SliceClassifier, build_backbone
from hohoho.models.devices import has_bf16_units, inference_autocast, resolve_precision, with_device
from hohoho.models.lstm import ScanLstm
from hohoho.params import Record
from hohoho.slices.batches import ordered_batches, unlabelled_slices
from hohoho.training.end_to_end import CnnLstm

LAPTOP = {"avx2": True, "avx512_f": False, "avx512_bf16": False, "amx_bf16": False}
NEITHER = {"avx512_f": True, "avx512_vnni": True, "avx512_bf16": False}  # oneDNN accepts bf16 here, and emulates it


@pytest.fixture
def cpu(monkeypatch):
    """cpu(capabilities): torch sees such a CPU."""
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    return lambda capabilities: monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"avx512_bf16": True, "amx_bf16": False}, "bf16-mixed"),
        ({"avx512_bf16": False, "amx_bf16": True}, "bf16-mixed"),
        (LAPTOP, "32-true"),
        (NEITHER, "32-true"),
        ({"neon": True}, "32-true"),
        ({}, "32-true"),
    ],
)
def test_auto_is_bf16_where_the_cpu_has_units_for_it(cpu, capabilities, expected):
    cpu(capabilities)
    assert resolve_precision("auto", "cpu") == expected


@pytest.mark.parametrize(
    ("limit", "expected"),
    [("AVX2", False), ("avx512_core", False), ("AVX512_CORE_BF16", True), ("AVX512_CORE_AMX", True), ("DEFAULT", True)],
)
def test_units_that_onednn_may_not_use_do_not_count(cpu, monkeypatch, limit, expected):
    cpu({"avx512_bf16": True})
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", limit)
    assert has_bf16_units("cpu") == expected


@pytest.mark.parametrize("native", [True, False])
def test_a_gpu_counts_by_what_it_computes_and_not_by_what_it_emulates(monkeypatch, native):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation or native)
    assert resolve_precision("auto", "cuda") == ("bf16-mixed" if native else "32-true")
    assert resolve_precision("16-mixed", "cuda") == "16-mixed"


def test_a_precision_that_is_asked_for_stays_and_16_mixed_is_refused_on_a_cpu(cpu, capsys):
    cpu(LAPTOP)
    assert resolve_precision("32-true", "cpu") == "32-true"
    assert capsys.readouterr().err == ""
    assert resolve_precision("bf16-mixed", "cpu") == "bf16-mixed"
    assert "emulated" in capsys.readouterr().err
    with pytest.raises(InputError, match="16-mixed needs a GPU"):
        resolve_precision("16-mixed", "cpu")


def classifier(precision):
    torch.manual_seed(0)
    return SliceClassifier("resnet18", build_backbone("resnet18", 3), [0.5] * 3, [0.5] * 3, 0.5, precision).eval()


@pytest.mark.parametrize(
    ("trained_in", "capabilities", "dtype"),
    [
        ("bf16-mixed", {"avx512_bf16": True}, torch.bfloat16),
        ("bf16-mixed", LAPTOP, torch.float32),
        ("32-true", {"avx512_bf16": True}, torch.float32),
    ],
)
def test_a_model_runs_in_bf16_where_it_was_trained_so_and_the_device_can(cpu, trained_in, capabilities, dtype):
    cpu(capabilities)
    with inference_autocast(trained_in, "cpu"):
        assert classifier(trained_in).backbone(torch.zeros(1, 3, 32, 32)).dtype == dtype


def test_probabilities_are_float32_whatever_the_backbone_computed_in(cpu):
    class Pixels:
        def take(self, rows):
            return np.random.default_rng(0).integers(0, 256, (len(rows), 32, 32), dtype=np.uint8)

    batches, found = ordered_batches(unlabelled_slices(Pixels(), np.arange(12).reshape(4, 3))), {}
    for name, capabilities in (("laptop", LAPTOP), ("server", {"avx512_bf16": True})):
        cpu(capabilities)
        found[name] = embed(classifier("bf16-mixed"), batches, "cpu")
        assert all(part.dtype == np.float32 for part in found[name])
    np.testing.assert_allclose(found["laptop"][1], found["server"][1], atol=0.02)
    assert not np.array_equal(found["laptop"][0], found["server"][0])


def test_the_lstm_of_an_end_to_end_training_stays_in_float32_under_autocast():
    seen, model = [], CnnLstm(classifier("bf16-mixed"), ScanLstm(512, 4), 0.0).eval()
    model.lstm.lstm1.register_forward_hook(lambda _, inputs, outputs: seen.extend([inputs[0].data, outputs[0].data]))
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(torch.rand(5, 3, 32, 32), torch.tensor([2, 3]))
    assert {part.dtype for part in seen} == {logits.dtype} == {torch.float32}


def runtime(accelerator="auto"):
    return Record({"threads": torch.get_num_threads(), "accelerator": accelerator, "progress": False})


def test_a_gpu_that_is_asked_for_and_not_there_is_told_in_one_message(monkeypatch):
    monkeypatch.setattr(devices.torch.cuda, "is_available", lambda: False)
    assert with_device(runtime("auto")).device == with_device(runtime("cpu")).device == "cpu"
    with pytest.raises(InputError, match="runtime.accelerator is gpu"):
        with_device(runtime("gpu"))


@pytest.mark.parametrize(
    ("bound", "quota", "expected"),
    [(8, None, 8), (8, "max 100000", 8), (8, "200000 100000", 2), (8, "150000 100000", 2), (2, "400000 100000", 2)]
    + [(4, "20000 100000", 1), (4, "nonsense", 4)],
)
def test_a_container_gets_as_many_threads_as_it_has_cores(monkeypatch, tmp_path, bound, quota, expected):
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda _: set(range(bound)), raising=False)
    monkeypatch.setattr(machine, "CPU_QUOTA", tmp_path / "cpu.max")
    if quota is not None:
        (tmp_path / "cpu.max").write_text(quota + "\n")
    assert machine.cores() == expected
