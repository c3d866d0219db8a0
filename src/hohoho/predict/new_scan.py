"""New scans → their answers as files: a table, a record and a page per study."""

from pathlib import Path

from hohoho.errors import InputError
from hohoho.files import write_csv, write_json
from hohoho.inference.table import MODEL_NAMES
from hohoho.predict.models import Models, load_models
from hohoho.predict.page import write_page
from hohoho.predict.result import Result, predict_scan
from hohoho.predict.studies import new_scans

TABLE, SUMMARY, PAGE = "predictions.csv", "prediction.json", "report.html"


def predict_folder(
    folder: Path,
    out: Path,
    models: Path,
    wanted_series: str | None = None,
    force: bool = False,
    show_identity: bool = False,
) -> None:
    """Write `predictions.csv`, `prediction.json` and `report.html` for each head CT in `folder` (DICOM, any names).

    One study is answered in `out`, several in `out`/1, `out`/2 … by their UIDs, as `hohoho check` numbers them; each is
    answered whatever became of the others, and no file is named. wanted_series: UID or number of the series to take.
    force: replace an older answer. show_identity: put the patient's ID and the study's UID on the page.
    What the columns mean is MEANING, which the JSON repeats. Raises InputError where no study can be answered, `models`
    are not as needed, or an older answer is there.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is no folder: give another --out")
    trained = load_models(models)
    scans = new_scans(folder, wanted_series)
    folders = {scan.number: out / scan.number if len(scans) > 1 else out for scan in scans}
    older = [path for each in folders.values() for name in (TABLE, SUMMARY, PAGE) if (path := each / name).exists()]
    if older and not force:
        raise InputError(f"{older[0]} is there already: give another --out, or --force to replace it")
    for path in older:
        path.unlink()
    answered = [_answer(predict_scan(scan, trained), folders[scan.number], trained, show_identity) for scan in scans]
    if not any(answered):
        raise InputError(f"{folder}: no study in it could be answered, for the reasons above")


def _answer(result: Result, out: Path, models: Models, show_identity: bool) -> bool:
    """Write one study's answer and say it in a few lines. Returns whether it had any usable slice."""
    print(f"study {result.number}: {result.said}")
    if result.table is None:
        return False
    series, answer = result.new.series, result.summary["answer"]
    print(f"  {len(result.table)} slices of series {series['taken']}, which {series['why']} → {out}")
    if answer:
        shown = "unknown" if answer["probability"] is None else f"{answer['probability']:.3f}"
        print(f"  any bleed: {answer['answer']} (probability {shown} by {MODEL_NAMES[answer['model']]})")
    for doubt in result.summary["doubts"]:
        print(f"  {doubt}")
    write_result(result, out, models, show_identity)
    return True


def write_result(result: Result, out: Path, models: Models, show_identity: bool) -> None:
    """The files of one answered study; the record comes last, so where it is, all are."""
    write_csv(out / TABLE, result.table)
    write_page(out / PAGE, result, models, show_identity)
    write_json(out / SUMMARY, result.summary)
