"""How long the scores take, and how much memory: `PYTHONPATH=src python benchmarks/evaluate.py [slices]`.

Synthetic predictions by two models in three splits, 30 slices a patient, 1,000 resamples; no figures, nothing written.
"""

import resource
import sys
import time

import numpy as np
import pandas as pd

from hohoho.inference.table import prediction_table
from hohoho.labels import LABELS
from hohoho.scores.evaluation import evaluate
from hohoho.scores.scans import Settings

DEPTH = 30


def synthetic(slices: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A prediction table and its study table; a class bleeds in a fifth of the scans, on six slices in a row."""
    rng, scans = np.random.default_rng(seed), slices // DEPTH
    number, index = np.divmod(np.arange(scans * DEPTH), DEPTH)
    starts = np.where(rng.random((scans, 5)) < 0.2, rng.integers(0, DEPTH - 6, (scans, 5)), DEPTH)
    inside = index[:, None] - starts[number]
    targets = ((inside >= 0) & (inside < 6)).astype(np.float32)
    names = np.array([f"{scan:06d}" for scan in range(scans)])
    own = {"study": names[number], "patient": names[number], "index": index, "position_mm": 5.0 * index}
    table = pd.DataFrame(
        own | {"level": DEPTH - 1 - index, "missing_before": False} | dict(zip(LABELS, targets.T, strict=True))
    )
    split = pd.Series(np.array(["train", "val", "test"])[rng.choice(3, scans, p=[0.7, 0.15, 0.15])][number])
    models = {
        name: (1 / (1 + np.exp(1 - skill * targets - rng.normal(size=targets.shape)))).astype(np.float32)
        for name, skill in (("cnn", 1.5), ("cnn_lstm", 2.0))
    }
    studies = {"study": names, "patient": names, "thickness_mm": 5.0, "tilt_deg": rng.uniform(-20, 20, scans)}
    facts = {"kernel": "H30s", "manufacturer": "ACME", "age_band": "60-69", "sex": rng.choice(["F", "M"], scans)}
    return prediction_table(table, split, models), pd.DataFrame(studies | facts)


def main():
    slices = int(sys.argv[1]) if len(sys.argv) > 1 else 25_000
    table, studies = synthetic(slices, seed=0)
    start = time.perf_counter()
    found = evaluate(table, studies, Settings(threshold=0.5, smoothing=False, resamples=1000, seed=0))
    seconds = time.perf_counter() - start
    peak_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{len(table)} slices: {seconds:.1f} s, {peak_gib:.2f} GiB at the peak, test F2 {found.headline['f2']['test']}"
    )


if __name__ == "__main__":
    main()
