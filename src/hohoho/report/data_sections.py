"""The report's sections on what went in: the data's own numbers, the parameters, the versions."""

import platform
from collections.abc import Mapping
from importlib.metadata import version

import pandas as pd

from hohoho.params import flat
from hohoho.report.score_sections import Section
from hohoho.report.tables import Table, heading, of_frame, of_pairs, text
from hohoho.slices.split import SPLITS

PACKAGES = (
    "torch",
    "torchvision",
    "lightning",
    "captum",
    "scikit-learn",
    "numpy",
    "pandas",
    "pydicom",
    "matplotlib",
    "dvc",
)
SCANNER_COLUMNS = ["manufacturer", "kernel"]


def data_section(data: dict, ingest: dict, studies: pd.DataFrame) -> Section:
    """Who is in which split, what ingest found, and which scanners. data: details["data"] of an `Evaluation`."""
    counted = {heading(key): value for key, value in ingest.items() if not isinstance(value, dict)}
    noted = [
        [kind, heading(reason), text(count)]
        for kind in ("skipped", "repaired", "warned")
        for reason, count in ingest[kind].items()
    ]
    tables = [
        _split_table(data),
        of_pairs(counted, ("ingest", "count"), "What ingest read"),
        Table(["what", "why", "count"], noted, "What ingest skipped, repaired and warned of"),
        of_frame(scanner_table(studies), "Scanners"),
    ]
    return Section("Data", "Split by patient, never by slice.", [table for table in tables if table.lines], {})


def _split_table(data: dict) -> Table:
    columns = ["patients", "studies", "slices", "labelled"]
    labels = list(dict.fromkeys(label for part in data.values() if part for label in part["positives"]))
    lines = [
        [split, *(text(data[split][column]) for column in columns),
         *(text(data[split]["positives"].get(label)) for label in labels)]
        for split in SPLITS if data.get(split)
    ]  # fmt: skip
    return Table(["split", *columns, *(f"{label} slices" for label in labels)], lines, "Splits")


def scanner_table(studies: pd.DataFrame) -> pd.DataFrame:
    """Studies and patients per manufacturer and kernel, the most frequent first; unknown is written so."""
    known = studies.assign(**{column: studies[column].fillna("unknown") for column in SCANNER_COLUMNS})
    counted = known.groupby(SCANNER_COLUMNS, as_index=False).agg(
        studies=("study", "size"), patients=("patient", "nunique")
    )
    return counted.sort_values(["studies", *SCANNER_COLUMNS], ascending=[False, True, True], ignore_index=True)


def parameter_section(params: Mapping, trained: dict[str, dict]) -> Section:
    """The parameters as the stage got them; and what each model says of itself.

    trained: model.json by the model's folder. There stands the precision that "auto" came to.
    """
    tables = [
        of_pairs(_written(trained), ("key", "value"), "The models as they were trained"),
        of_pairs(_written(params), ("key", "value"), "The parameters of all stages, but for where the data lie"),
    ]
    return Section("Parameters", "What made the models.", tables, {})


def _written(values: Mapping) -> dict[str, str]:
    """Dotted names and values as text, none rounded."""
    return {name: text(value) if isinstance(value, bool) else str(value) for name, value in flat(values).items()}


def version_section() -> Section:
    """What computed it."""
    versions = {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}
    return Section("Versions", "", [of_pairs(versions, ("package", "version"))], {})
