"""What computes here: the cores this process may use, and the processor's model and units."""

import math
import os
import platform
import re
from pathlib import Path

CPU_INFO = Path("/proc/cpuinfo")
UNITS = ("avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "asimd", "sve", "bf16")
LIMITS = ("ATEN_CPU_CAPABILITY", "DNNL_MAX_CPU_ISA", "ONEDNN_MAX_CPU_ISA", "MKL_CBWR", "NPY_DISABLE_CPU_FEATURES")
CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of a container: "<microseconds> <period>", or "max <period>"


def cores() -> int:
    """The cores this process may use: those it is bound to, no more than a container's quota, at least 1."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        allowed, period = CPU_QUOTA.read_text().split()
        return max(1, min(bound, math.ceil(int(allowed) / int(period))))
    except (OSError, ValueError):  # no container, or one without a quota
        return bound


def cpu() -> dict[str, str]:
    """Model of the processor ("cpu"), its "units" for vectors and limits set on them: they decide how sums are rounded.

    Where the system has no /proc/cpuinfo, what Python knows of the model, and no units.
    """
    told = CPU_INFO.read_text() if CPU_INFO.is_file() else ""
    model, flags = (
        re.search(rf"^(?:{name})\s*: (.+)$", told, re.MULTILINE) for name in ("model name", "flags|Features")
    )
    units = [unit for unit in UNITS if flags and unit in flags[1].split()]
    limits = [f"{name}={os.environ[name]}" for name in LIMITS if name in os.environ]
    name = model[1] if model else platform.processor() or platform.machine()
    return {"cpu": name, "units": " ".join([*units, *limits])}
