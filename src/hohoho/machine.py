"""How many cores this process may use."""

import math
import os
from pathlib import Path

CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of a container: "<microseconds> <period>", or "max <period>"


def cores() -> int:
    """The cores this process may use: those it is bound to, no more than a container's quota, at least 1."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        allowed, period = CPU_QUOTA.read_text().split()
        return max(1, min(bound, math.ceil(int(allowed) / int(period))))
    except (OSError, ValueError):  # no container, or one without a quota
        return bound
