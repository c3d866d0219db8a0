"""How well lost slices are told from the gaps alone: `PYTHONPATH=src python benchmarks/missing_slices.py [scans]`.

Scans of one step or two, every position off by up to 2 % of the step, 1 to 6 slices lost. A row per kind: the share of
the gaps with a lost slice that are found, and of the scans with a gap that is flagged and is none.
"""

import sys

import numpy as np

from hohoho.scans.geometry import missing_slices

STEPS_MM = (0.625, 1.25, 2.5, 3, 4, 5, 7, 8, 10)
LOST = {
    "at random": lambda rng, inner: rng.choice(inner, rng.integers(1, 7), replace=False),
    "two near each other": lambda rng, inner: rng.choice(inner[:-3]) + np.array([0, rng.integers(1, 4)]),
    "every second, three": lambda rng, inner: rng.choice(inner[:-5]) + np.array([0, 2, 4]),
}


def positions(rng: np.random.Generator, steps: int) -> np.ndarray:
    """(Z,) mm, rising: 10 to 25 slices of each step, in the order of chance; the borders are not wider than a step."""
    parts = rng.choice(STEPS_MM, steps, replace=False)
    gaps = [np.append(np.full(rng.integers(9, 25), step), step * rng.uniform(0.3, 1)) for step in parts]
    gaps = np.concatenate(gaps)[:-1]
    return np.append(0, np.cumsum(gaps)) + 0.02 * rng.uniform(-1, 1, len(gaps) + 1) * gaps.min()


def main():
    scans, rng = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000, np.random.default_rng(0)
    print(f"{'steps':>5}  {'lost':20} {'gaps found':>10} {'scans with a false one':>23}")
    for steps in (1, 2):
        whole = [positions(rng, steps) for _ in range(scans)]
        print(f"{steps:5}  {'none':20} {'':>10} {np.mean([missing_slices(scan).any() for scan in whole]):23.4f}")
        for name, draw in LOST.items():
            found, false = [], []
            for scan in whole:
                kept = np.setdiff1d(np.arange(len(scan)), draw(rng, np.arange(1, len(scan) - 1)))
                flags, truth = missing_slices(scan[kept]), np.diff(kept, prepend=-1) > 1
                found += flags[truth].tolist()
                false.append((flags & ~truth).any())
            print(f"{steps:5}  {name:20} {np.mean(found):10.4f} {np.mean(false):23.4f}")


if __name__ == "__main__":
    main()
