"""What calibration is worth by the number of positives that it is fitted on: log loss on other slices, simulated.

    uv run python benchmarks/calibration.py [--data-sets 40]

400 validation slices of one class, whose raw logits are sharper than they should be and moved. Compared: the raw
output; the constant share of positives; the best temperature and bias alone (no prior); ours, with the prior.
"""

import argparse

import numpy as np
from sklearn.metrics import log_loss

from hohoho.labels import LABELS
from hohoho.scores.calibration import Prior, calibrate, fit_calibration

SLICES, OTHERS, SHARPNESS, SHIFT = 400, 20_000, 2.5, 1.0
FLAT = Prior(1e6, np.inf)


def draw(rng: np.random.Generator, slices: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """(slices, 5) truth and raw probabilities: five independent copies of the same problem."""
    positives = round(slices * share)
    truth = np.repeat([1.0, 0.0], [positives, slices - positives])[:, None]
    logits = SHARPNESS * (rng.normal(size=(slices, len(LABELS))) + 2 * truth - SHIFT)
    return np.repeat(truth, len(LABELS), axis=1), 1 / (1 + np.exp(-logits))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-sets", type=int, default=40)
    data_sets, rng = parser.parse_args().data_sets, np.random.default_rng(0)
    print("positives  mean (worst) log loss on other slices")
    for positives in (1, 2, 4, 8, 16, 32):
        losses = {name: [] for name in ("raw", "constant", "no prior", "ours")}
        for _ in range(data_sets):
            targets, raw = draw(rng, SLICES, positives / SLICES)
            truth, others = draw(rng, OTHERS, positives / SLICES)
            answers = {
                "raw": others,
                "constant": np.full(others.shape, positives / SLICES),
                "no prior": calibrate(fit_calibration(targets, raw, FLAT), others),
                "ours": calibrate(fit_calibration(targets, raw), others),
            }
            for name, shown in answers.items():
                losses[name] += [log_loss(t, p) for t, p in zip(truth.T, shown.T, strict=True)]
        print(f"{positives:9d}  " + "  ".join(f"{n} {np.mean(v):.4f} ({np.max(v):.4f})" for n, v in losses.items()))


if __name__ == "__main__":
    main()
