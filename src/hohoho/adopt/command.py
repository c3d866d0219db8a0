"""`hohoho adopt`: its options and what it prints."""

import argparse
from pathlib import Path

SOURCES = ("dicom", "rsna", "cq500", "ct_ich")


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    adopt = commands.add_parser("adopt", help="test a package on your own labelled scans, and recalibrate it for them")
    adopt.add_argument("scans", type=Path, help="folder of the labelled scans")
    adopt.add_argument("--model", type=Path, required=True, help="as `hohoho export` or `dvc repro` leaves it")
    adopt.add_argument("--out", type=Path, required=True, help="the new package, its report in it")
    adopt.add_argument("--labels", type=Path, metavar="CSV", help="of a folder of DICOM files; docs/data.md says how")
    adopt.add_argument("--source", choices=SOURCES, default="dicom", help="layout of the folder (default dicom)")
    adopt.add_argument("--seed", type=int, default=0, help="of the draw of who recalibrates and who tests (default 0)")
    adopt.add_argument("--force", action="store_true", help="replace an older package")
    adopt.set_defaults(run=_adopt)


def _adopt(options: argparse.Namespace) -> None:
    from hohoho.adopt.adopt import adopt

    request = options.scans, options.labels, options.source
    for line in adopt(*request, options.model, options.out, options.seed, options.force):
        print(line)
    print(f"all of it: {options.out / 'adoption.html'}")
