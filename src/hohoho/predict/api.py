"""A prediction as one call, for notebooks and other programs."""

from pathlib import Path

from hohoho.predict.models import load_models
from hohoho.predict.result import Result, predict_scan
from hohoho.predict.studies import new_scans


def predict(folder: str | Path, model: str | Path = "models", wanted_series: str | None = None) -> list[Result]:
    """Ask trained models about every study in a folder of DICOM files.

    model: as `dvc repro` or `hohoho export` leaves it. wanted_series: UID or number of the series to take. Each Result
    is a plain record; where no slice of a study could be used, its fields from `table` on are None. Raises InputError
    where the folder has no usable slice or the models are not as needed.
    """
    models = load_models(Path(model))
    return [predict_scan(scan, models) for scan in new_scans(Path(folder), wanted_series)]
