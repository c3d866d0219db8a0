"""New scans and what the models say of them."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hohoho.predict.result import Result


def predict(folder: str | Path, model: str | Path = "models", wanted_series: str | None = None) -> "list[Result]":
    """Ask trained models about every study in a folder of DICOM files; for notebooks and other programs.

    model: as `dvc repro` or `hohoho export` leaves it. wanted_series: UID or number of the series to take. Each Result
    is a plain record; where no slice of a study could be used, its fields from `table` on are None. Raises InputError
    where the folder has no usable slice or the models are not as needed.
    """
    from hohoho.predict.models import load_models  # torch takes seconds to import
    from hohoho.predict.result import predict_scan
    from hohoho.predict.studies import new_scans

    models = load_models(Path(model))
    return [predict_scan(scan, models) for scan in new_scans(Path(folder), wanted_series)]
