"""`hohoho predict` and `hohoho triage`: their options and what they print."""

import argparse
from pathlib import Path

from hohoho.errors import InputError

MODEL = "as `dvc repro` or `hohoho export` leaves it (default models)"
IDENTITY = "put the patient's ID and the study's UID on the page"


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add both commands."""
    predict = commands.add_parser(
        "predict", help="a DICOM folder → predictions.csv, prediction.json and report.html per study"
    )
    predict.add_argument("folder", type=Path, help="head CT, any file names and depth; each study is answered")
    predict.add_argument("--out", type=Path, required=True)
    predict.add_argument("--model", type=Path, default=Path("models"), help=MODEL)
    series = "UID or number (as `hohoho check` shows it) of the series to take, whatever the choice would be"
    predict.add_argument("--series", metavar="UID|NUMBER", help=series)
    predict.add_argument("--force", action="store_true", help="replace an older answer in --out")
    predict.add_argument("--show-identity", action="store_true", help=IDENTITY)
    predict.set_defaults(run=_predict)

    triage = commands.add_parser("triage", help="many studies: an answer for each, the most urgent first")
    triage.add_argument("root", type=Path, help="folder of DICOM files, any names and depth")
    triage.add_argument("--out", type=Path, required=True, help="an interrupted run goes on here")
    triage.add_argument("--model", type=Path, default=Path("models"), help=MODEL)
    triage.add_argument("--workers", type=int, default=0, help="processes that read images (default: one a core)")
    triage.add_argument("--show-identity", action="store_true", help=IDENTITY)
    triage.add_argument("--watch", action="store_true", help="go on whenever something new has arrived in the folder")
    triage.set_defaults(run=_triage)


def _predict(options: argparse.Namespace) -> None:
    from hohoho.predict.new_scan import predict_folder

    try:
        request = options.folder, options.out, options.model, options.series
        predict_folder(*request, options.force, options.show_identity)
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        raise InputError(f"{error.filename} cannot be written ({error.strerror}): give another --out") from error


def _triage(options: argparse.Namespace) -> None:
    from hohoho.predict.triage import INDEX, triage, watch

    how = {"out": options.out, "models": options.model, "workers": options.workers}
    how["show_identity"] = options.show_identity
    try:
        for table in watch(options.root, **how) if options.watch else [triage(options.root, **how)]:
            counts = table["answer"].value_counts().to_dict()
            told = ", ".join(f"{n} {answer!r}" for answer, n in counts.items())
            print(f"{len(table)} studies: {told} → {options.out / INDEX}", flush=True)
    except KeyboardInterrupt:
        raise InputError(f"stopped; what is answered stays in {options.out}, the same command goes on") from None
