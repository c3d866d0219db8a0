"""The learning rate over a training: linear warm-up, then cosine annealing (arXiv:1608.03983, without restarts)."""

import math
from collections.abc import Callable


def warmup_cosine(warmup: float, floor: float) -> Callable[[float], float]:
    """Progress in [0, 1] → factor on the learning rate.

    warmup: fraction of the training that rises linearly. floor: the factor at the end.
    """

    def factor(progress: float) -> float:
        # 1) linear warm-up; not from 0, so that the first step already trains
        if progress < warmup:
            return max(progress / warmup, 0.01)
        # 2) how far the rest has come: 0 at the end of the warm-up, 1 at the end of the training
        falling = min((progress - warmup) / (1 - warmup), 1.0)
        # 3) cosine from 1 down to the floor
        return floor + (1 - floor) * (1 + math.cos(math.pi * falling)) / 2

    return factor


def constant(progress: float) -> float:
    """No schedule."""
    return 1.0
