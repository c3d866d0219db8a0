"""What `hohoho triage` says of new phantom heads: how many it doubts, what it answers, seconds and memory a study.

    uv run python benchmarks/fresh_heads.py FOLDER --model models --patients 200

The heads are of another seed than the default run's. FOLDER keeps them and their answers; a second run reads on.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil

from hohoho.labels import LABELS
from hohoho.phantom.tables import TRUTH
from hohoho.phantom.tree import write_phantom
from hohoho.predict.triage import COHORT, name_of

POLL_S = 1.0


def main() -> None:
    """Print counts, a table of answers, and the costs of the first and the second half."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("folder", type=Path)
    options.add_argument("--model", type=Path, default=Path("models"))
    options.add_argument("--patients", type=int, default=200)
    options.add_argument("--seed", type=int, default=2000)
    options.add_argument("--size", type=int, default=96)
    given = options.parse_args()
    heads, out = given.folder / "heads", given.folder / "triage"
    if not heads.exists():
        write_phantom(heads, given.patients, given.seed, given.size, 0.0)
    seconds, memory = answered(heads / "stage_2_train", out, given.model)
    truth = pd.read_csv(heads / TRUTH / "slices.csv").groupby("study_uid")[LABELS].max().max(axis=1)
    truth.index = truth.index.map(name_of)
    cohort = pd.read_csv(out / f"{COHORT}.csv").assign(bleed=lambda table: table["study"].map(truth))
    doubts = [json.loads((out / study / "prediction.json").read_text())["doubts"] for study in cohort["study"]]
    print(f"{sum(map(bool, doubts))} of {len(cohort)} scans are doubted:")
    print(pd.Series([each for of_scan in doubts for each in of_scan], dtype=str).value_counts().to_string())
    print(pd.crosstab(cohort["answer"], cohort["bleed"]).to_string())
    half = len(memory) // 2
    print(f"{seconds / len(cohort):.2f} s a study; peak {max(memory[:half]):.0f} MB in the first half of the time, "
          f"{max(memory[half:]):.0f} MB in the second")  # fmt: skip


def answered(scans: Path, out: Path, model: Path) -> tuple[float, list[float]]:
    """(seconds of the whole command, memory of all its processes that nobody else has, MB, once a second)."""
    command = [sys.executable, "-m", "hohoho.cli", "triage", str(scans), "--out", str(out), "--model", str(model)]
    began, memory = time.perf_counter(), []
    with subprocess.Popen(command, stdout=sys.stderr) as running:
        while running.poll() is None:
            processes = [psutil.Process(running.pid), *psutil.Process(running.pid).children(recursive=True)]
            memory.append(sum(map(own_memory, processes)) / 1e6)
            time.sleep(POLL_S)
    return time.perf_counter() - began, memory


def own_memory(process: psutil.Process) -> int:
    """Bytes; 0 where it has just ended."""
    try:
        return process.memory_full_info().uss
    except psutil.Error:
        return 0


if __name__ == "__main__":
    main()
