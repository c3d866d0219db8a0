"""Where torch computes."""

from dataclasses import dataclass

import torch

from hohoho.params import Runtime


@dataclass(frozen=True)
class Devices:
    """Where to train; cannot change a result beyond rounding."""

    accelerator: str
    devices: int
    progress: bool


def on_devices(runtime: Runtime) -> Devices:
    """Where `runtime` says to train; sets torch's number of CPU threads on the way."""
    if runtime.threads:
        torch.set_num_threads(runtime.threads)
    return Devices(runtime.accelerator, runtime.devices, runtime.progress)


def torch_device(devices: Devices) -> str:
    """The one device that inference runs on."""
    return "cuda" if devices.accelerator != "cpu" and torch.cuda.is_available() else "cpu"
