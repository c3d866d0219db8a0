"""What each stage cost: seconds and peak memory. No output of DVC's, because it differs from run to run."""

import json
import resource
import sys
import time
from datetime import datetime
from pathlib import Path

import psutil

from hohoho.files import write_json

COSTS = Path("metrics/costs")
STAGES = ("ingest", "stack", "simclr_pretrain", "train_cnn", "embed", "train_lstm", "evaluate")
UNIT_BYTES = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss


def peak_memory_mb() -> float:
    """Of this process, or of the largest process that it started."""
    of_whom = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(who).ru_maxrss for who in of_whom) * UNIT_BYTES / 1e6


def write_cost(stage: str) -> dict:
    """Record and return what this process, running `stage`, has cost since it started."""
    seconds = time.time() - psutil.Process().create_time()
    cost = {"seconds": round(seconds, 1), "peak_memory_mb": round(peak_memory_mb())}
    cost["finished"] = datetime.now().isoformat(" ", "seconds")
    write_json(COSTS / f"{stage}.json", cost)
    return cost


def cost_table() -> str:
    """One line per stage that has run here, as text; a stage that DVC skipped shows what its last run cost."""
    paths = [COSTS / f"{stage}.json" for stage in STAGES]
    costs = {path.stem: json.loads(path.read_text()) for path in paths if path.is_file()}
    lines = [f"{'stage':16} {'seconds':>8} {'peak MB':>8}  finished"]
    lines += [f"{s:16} {c['seconds']:8.1f} {c['peak_memory_mb']:8}  {c['finished']}" for s, c in costs.items()]
    return "\n".join([*lines, f"{'together':16} {sum(cost['seconds'] for cost in costs.values()):8.1f}"])
