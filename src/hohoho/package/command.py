"""`hohoho export`: its options and what it prints."""

import argparse
from pathlib import Path

FORMATS = ("safetensors", "onnx")


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    export = commands.add_parser("export", help="the trained models as one folder that predicts anywhere")
    export.add_argument("--out", type=Path, required=True)
    export.add_argument("--format", choices=FORMATS, default="safetensors", help="of the weights (default safetensors)")
    export.add_argument(
        "--run",
        dest="folder",
        type=Path,
        metavar="FOLDER",
        default=Path(),
        help="where `dvc repro` has run (default: here)",
    )
    export.add_argument("--force", action="store_true", help="replace an older package")
    export.set_defaults(run=_export)


def _export(options: argparse.Namespace) -> None:
    from hohoho.package.export import export

    export(options.folder, options.out, options.format, options.force)
    print(f"{options.out}: hohoho predict STUDY_FOLDER --model {options.out} --out report/")
