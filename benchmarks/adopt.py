"""What `hohoho adopt` finds on phantoms of other hospitals, one difference at a time, and what it gives back.

    uv run python benchmarks/adopt.py FOLDER --model models --patients 150

Each hospital's patients are the same new heads (another seed than the default run's), scanned otherwise. Printed are
the scores of any bleed in a scan on all of them, and calibration error, sensitivity and specificity on those patients
that recalibrated nothing, as the package came and recalibrated. FOLDER keeps phantoms and reports.
"""

import argparse
import json
from pathlib import Path

from hohoho.adopt.adopt import ADOPTION, adopt
from hohoho.machine import cores
from hohoho.package.shown import SCAN_AUROC, SCAN_ERROR, SCAN_SENSITIVITY, SCAN_SPECIFICITY, SLICE_ERROR
from hohoho.phantom.elsewhere import Elsewhere
from hohoho.phantom.tree import write_phantom
from hohoho.report.tables import text

HOSPITALS = {
    "the same": Elsewhere(),
    "noise x 2": Elsewhere(noise=2.0),
    "sharp kernel": Elsewhere(sharpness=1.0),
    "tilt 15 degrees": Elsewhere(tilt_deg=15.0),
    "blood contrast x 0.6": Elsewhere(blood_contrast=0.6),
    "all four": Elsewhere(2.0, 0.6, 1.0, 15.0),
}
COLUMNS = {"error": SCAN_ERROR, "sensitivity": SCAN_SENSITIVITY, "specificity": SCAN_SPECIFICITY, "slices": SLICE_ERROR}


def main() -> None:
    """A line per hospital."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("folder", type=Path)
    options.add_argument("--model", type=Path, default=Path("models"))
    options.add_argument("--patients", type=int, default=150)
    options.add_argument("--seed", type=int, default=1000)
    options.add_argument("--size", type=int, default=96)
    given = options.parse_args()
    print(f"{'':22} {'AUROC, all':22} " + " ".join(f"{name:>22}" for name in COLUMNS), flush=True)
    for name, place in HOSPITALS.items():
        folder = given.folder / name.replace(" ", "-")
        write_phantom(folder / "scans", given.patients, given.seed, given.size, 0.0, cores(), place=place)
        adopt(folder / "scans", None, "rsna", given.model, folder / "adopted", force=True)
        found = json.loads((folder / "adopted" / ADOPTION).read_text())
        changes = [
            " → ".join(text(found[when][score]["value"]) for when in ("before", "after")) for score in COLUMNS.values()
        ]
        print(
            f"{name:22} {text(found['as_it_came'][SCAN_AUROC]):22} " + " ".join(f"{each:>22}" for each in changes),
            flush=True,
        )


if __name__ == "__main__":
    main()
