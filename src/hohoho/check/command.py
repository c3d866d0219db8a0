"""The command `hohoho check`: is this folder fit for ingest, and what would be left out?"""

import argparse
import sys
from pathlib import Path

from hohoho.errors import InputError

EXIT_CODES = """Exit code 0: all of it can be used; 1: usable, with files skipped or warnings; 2: nothing can be used,
or ingest would stop with an error."""


def add_commands(commands) -> None:
    """Hang `check` into the command line. commands: of `parser.add_subparsers()`."""
    check = commands.add_parser("check", help="what ingest would make of a folder of DICOM files", epilog=EXIT_CODES)
    check.add_argument(
        "root", type=Path, metavar="ROOT", help="read with everything below it; nothing in it is changed"
    )
    check.add_argument("--source", choices=["dicom"], default="dicom", help="layout of the folder (default dicom)")
    check.add_argument("--json", type=Path, metavar="FILE", help="write the report, with the names of all files")
    rescale = "for files without them, as the parameter ingest.assumed_rescale"
    check.add_argument("--assumed-rescale", type=float, nargs=2, metavar=("SLOPE", "INTERCEPT"), help=rescale)
    kernel = (
        "part of the name of the kernel to take where a study has several, as the parameter ingest.preferred_kernel"
    )
    check.add_argument("--preferred-kernel", metavar="NAME", help=kernel)
    check.add_argument("--workers", type=int, default=1, help="processes (default 1)")
    check.set_defaults(run=_check)


def _check(options: argparse.Namespace) -> None:
    from hohoho.check.report import check, exit_code
    from hohoho.check.table import as_text
    from hohoho.files import write_json

    rescale = tuple(options.assumed_rescale) if options.assumed_rescale else None
    report = check(options.root, rescale, options.preferred_kernel, options.workers, progress=sys.stderr.isatty())
    code = exit_code(report)
    try:
        if options.json:
            write_json(options.json, report)
    except OSError as error:
        raise InputError(f"{options.json} cannot be written: {error.strerror}") from error
    finally:
        sys.stdout.reconfigure(errors="replace")  # not every terminal knows "°"
        print(as_text(report, code))
    if code:
        sys.exit(code)
