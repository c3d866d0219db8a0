"""The numbers of README and docs: out of finished runs into docs/results/, and from there into the tables of the pages.

    PYTHONPATH=src python benchmarks/results.py [FOLDER ...]

FOLDER: where `dvc repro` ran, one a seed, in their order; without any, the pages are written anew from the CSVs as they
are. In a page a table stands below `<!-- table: NAME -->`; result_tables.py makes it, and tests/test_results.py refuses
any other. In docs/results/ lie runs.csv, a number of metrics/details.json a line, by its place there, and a column a
seed; scan_probability.csv, of the same runs; coverage.csv, which benchmarks/coverage.py writes; rows.csv, as `hohoho
rows record` writes it, drawn as docs/img/rows.svg; limits.csv and limits_fits.csv of `hohoho limits`, drawn as
docs/img/limits.png; study_patients.csv of `hohoho study`; audit.csv and machines.csv, of older commits, which they
name.
"""

import argparse
import json
import re
from fnmatch import fnmatch
from pathlib import Path

import pandas as pd
from result_tables import tables
from row_tables import row_picture
from scan_probability import compared

from hohoho.figures.style import save
from hohoho.files import write_csv
from hohoho.inference.table import MODEL_NAMES, models_in
from hohoho.limits.limits import FITS, LEVELS, TITLE
from hohoho.limits.picture import draw
from hohoho.params import flat
from hohoho.scores.truth import truth_of

ROOT = Path(__file__).parents[1]
RESULTS, PICTURES = ROOT / "docs/results", ROOT / "docs/img"
PAGES = tuple(ROOT / page for page in ("README.md", "docs/results.md", "docs/poster.md", "docs/limits.md"))
KEPT = ["data.test.all_positive_f2", "slices.*.test.m?cro.*"]
KEPT += ["scans.*.test.*.any.*.value", "scan_calibration.*.test.any.ece", "answers.*.counts.test.*"]
KEPT += ["calibration.*.test.micro.ece_*", "calibration.*.test.any.ece_calibrated"]
KEPT += ["lstm_gain.test.m?cro.*", "lstm_gain_at_best_f2.test.*"]
TABLE = re.compile(r"(<!-- table: (\w+) -->\n)(?:\|.*\n)*")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="*")
    if folders := parser.parse_args().folders:
        write_csv(RESULTS / "runs.csv", numbers(folders))
        write_csv(RESULTS / "scan_probability.csv", aggregations(folders))
    (PICTURES / "rows.svg").write_text(row_picture(pd.read_csv(RESULTS / "rows.csv")))
    made = tables(RESULTS)
    for page in PAGES:
        page.write_text(with_tables(page.read_text(), made))
    save(PICTURES / "limits.png", draw(pd.read_csv(RESULTS / LEVELS), pd.read_csv(RESULTS / FITS), TITLE))


def with_tables(page: str, made: dict[str, str]) -> str:
    """The text of a page, every table as it was made."""
    return TABLE.sub(lambda found: f"{found[1]}{made[found[2]]}\n", page)


def numbers(folders: list[Path]) -> pd.DataFrame:
    """A line per number that pages may show, by its place (`key`) in metrics/details.json; a column per folder."""
    details = [flat(json.loads((folder / "metrics/details.json").read_text())) for folder in folders]
    found = pd.DataFrame({f"seed {of['settings.seed']}": of for of in details}).rename_axis("key").reset_index()
    return found[[any(fnmatch(key, pattern) for pattern in KEPT) for key in found["key"]]]


def aggregations(folders: list[Path]) -> pd.DataFrame:
    """A line per folder, model and way to make one probability of a scan's slices, on validation scans."""
    lines = []
    for folder in folders:
        table = pd.read_parquet(folder / "data/predictions.parquet")
        truth = truth_of(table, pd.DataFrame(columns=["study"]))
        seed = json.loads((folder / "metrics/details.json").read_text())["settings"]["seed"]
        for model in models_in(table):
            lines += [{"seed": seed, "model": MODEL_NAMES[model], **line} for line in compared(truth, model, "val")]
    return pd.DataFrame(lines).round(6)


if __name__ == "__main__":
    main()
