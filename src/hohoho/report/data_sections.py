"""The report's sections on what went in: the data's own numbers, the parameters, the versions."""

import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import NamedTuple

import pandas as pd

from hohoho.params import flat
from hohoho.report.score_sections import Section, frame
from hohoho.report.tables import heading, text
from hohoho.scores.subgroups import without_few_patients
from hohoho.slices.split import SPLITS

PACKAGES = ["torch", "torchvision", "lightning", "captum", "scikit-learn"]
PACKAGES += ["numpy", "pandas", "pydicom", "matplotlib", "dvc"]
SIZES = ["patients", "studies", "slices", "labelled"]
SCANNER_COLUMNS = ["manufacturer", "kernel"]


class Inputs(NamedTuple):
    """What a run was made of."""

    ingest: dict  # metrics/ingest.json
    studies: pd.DataFrame  # the study table
    is_private: bool  # whether groups of few patients stay out of the report
    params: Mapping  # all that the stage evaluate declares
    trained: dict[str, dict]  # model.json by the model's folder: there stands the precision that "auto" came to


def data_section(data: dict, inputs: Inputs) -> Section:
    """Who is in which split, what ingest found, and which scanners. data: details["data"] of an `Evaluation`."""
    splits = [
        {"split": split} | {name: data[split][name] for name in SIZES}
        | {f"{label} slices": count for label, count in data[split]["positives"].items()}
        for split in SPLITS
    ]  # fmt: skip
    counted = [[heading(name), value] for name, value in inputs.ingest.items() if not isinstance(value, dict)]
    noted = [
        [kind, heading(reason), count]
        for kind in ("skipped", "repaired", "warned")
        for reason, count in inputs.ingest[kind].items()
    ]
    tables = {
        "Splits": pd.DataFrame(splits, dtype=object),
        "What ingest read": frame(["ingest", "count"], counted),
        "What ingest skipped, repaired and warned of": frame(["what", "why", "count"], noted),
        "Scanners": scanner_table(inputs.studies, inputs.is_private),
    }
    return Section("Data", "Split by patient, never by slice.", tables)


def scanner_table(studies: pd.DataFrame, is_private: bool) -> pd.DataFrame:
    """Studies and patients per manufacturer and kernel, the most frequent first; unknown is written so.

    is_private: scanners of few patients are left out.
    """
    known = studies.assign(**{column: studies[column].fillna("unknown") for column in SCANNER_COLUMNS})
    counted = known.groupby(SCANNER_COLUMNS, as_index=False).agg(
        studies=("study", "size"), patients=("patient", "nunique")
    )
    if is_private:
        counted = without_few_patients(counted.assign(by="scanner")).drop(columns="by")
    return counted.sort_values(["studies", *SCANNER_COLUMNS], ascending=[False, True, True], ignore_index=True)


def parameter_section(inputs: Inputs) -> Section:
    """The parameters as the stage got them; and what each model says of itself."""
    tables = {
        "The models as they were trained": _written(inputs.trained),
        "The parameters of all stages, but for where the data lie": _written(inputs.params),
    }
    return Section("Parameters", "What made the models.", tables)


def _written(values: Mapping) -> pd.DataFrame:
    """Dotted names and values as text, none rounded."""
    lines = [[name, text(value) if isinstance(value, bool) else str(value)] for name, value in flat(values).items()]
    return frame(["key", "value"], lines)


def version_section() -> Section:
    """What computed it."""
    versions = [["python", platform.python_version()], *([name, version(name)] for name in PACKAGES)]
    return Section("Versions", "", {"": frame(["package", "version"], versions)})
