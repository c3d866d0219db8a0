"""Where torch computes, with how many threads, and in which precision."""

import os
import sys

import torch

from hohoho.errors import InputError
from hohoho.params import Record

BF16_UNITS = ("avx512_bf16", "amx_bf16")  # of CPUs; without one of them bf16 is emulated, at a tenth of the speed
ISA_WITHOUT_BF16 = {"SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX2_VNNI_2", "AVX512_CORE", "AVX512_CORE_VNNI"}


def with_device(runtime: Record) -> Record:
    """`runtime` and `device`, the "cuda" or "cpu" to compute on; sets torch's number of CPU threads on the way.

    Raises `InputError` where a GPU is asked for and there is none.
    """
    torch.set_num_threads(runtime.threads)
    if runtime.accelerator == "gpu" and not torch.cuda.is_available():
        raise InputError("runtime.accelerator is gpu, but torch finds no CUDA device: use auto or cpu")
    cuda = runtime.accelerator != "cpu" and torch.cuda.is_available()
    return Record({**runtime, "device": "cuda" if cuda else "cpu"}, "runtime.")


def resolve_precision(requested: str, device: str) -> str:
    """The precision to compute in. "auto" is bf16-mixed where the device has units for it, else 32-true.

    Warns of bf16 that the device emulates. Raises `InputError` for 16-mixed on a CPU: it would compute in bf16 and be
    recorded as float16.
    """
    if requested == "auto":
        return "bf16-mixed" if has_bf16_units(device) else "32-true"
    if requested == "16-mixed" and device == "cpu":
        raise InputError("precision 16-mixed needs a GPU: on a CPU use auto, 32-true or bf16-mixed")
    if requested == "bf16-mixed" and not has_bf16_units(device):
        print("precision bf16-mixed is emulated on this device, ten times slower than 32-true or auto", file=sys.stderr)
    return requested


def has_bf16_units(device: str) -> bool:
    """Whether "cuda" or "cpu" computes bf16 in hardware; a CPU may be limited by ONEDNN_MAX_CPU_ISA."""
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper() in ISA_WITHOUT_BF16:
        return False
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(unit, False) for unit in BF16_UNITS)


def inference_autocast(trained_in: str, device: str) -> torch.autocast:
    """The context to run a model in: bf16 if it was trained in bf16 and the device has units for it, else float32."""
    return torch.autocast(device, torch.bfloat16, enabled=trained_in == "bf16-mixed" and has_bf16_units(device))
