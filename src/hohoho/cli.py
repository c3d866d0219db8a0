"""The command `hohoho`: what DVC's own commands do not do."""

import argparse
import sys
from pathlib import Path

from hohoho.adopt.command import add_commands as add_adopt_command
from hohoho.check.command import add_commands as add_check_command
from hohoho.errors import InputError
from hohoho.limits.command import add_commands as add_limits_command
from hohoho.package.command import add_commands as add_export_command
from hohoho.predict.command import add_commands as add_predict_commands
from hohoho.reproduce.command import add_commands as add_reproduce_command
from hohoho.rows.command import add_commands as add_row_commands
from hohoho.study.command import add_commands as add_study_commands

NOT_A_DEVICE = "For research and teaching; not a medical device."


def main(arguments: list[str] | None = None) -> None:
    """Run one command; an error the user can fix ends in one message and exit code 2."""
    options = parser().parse_args(arguments)
    try:
        options.run(options)
    except InputError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        sys.exit(2)


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = argparse.ArgumentParser(prog="hohoho", description=f"Intracranial hemorrhage in head CT. {NOT_A_DEVICE}")
    commands = top.add_subparsers(required=True, metavar="command")

    phantom = commands.add_parser("phantom", help="write head phantoms as an RSNA-2019 tree")
    phantom.add_argument("--out", type=Path, required=True, help="folder to write; an older phantom there is replaced")
    phantom.add_argument("--patients", type=int, required=True)
    phantom.add_argument("--seed", type=int, required=True)
    phantom.add_argument("--size", type=int, default=128, help="pixels a side (default 128)")
    phantom.add_argument("--label-error-rate", type=float, default=0.0, help="planted label errors (default 0)")
    phantom.add_argument("--workers", type=int, default=2)
    phantom.add_argument("--masks", action="store_true", help="also write where the blood is")
    phantom.add_argument("--montage", type=Path, metavar="PNG", help="also draw a picture of some of them")
    elsewhere = phantom.add_argument_group("another hospital", "the same heads, scanned or bleeding otherwise")
    elsewhere.add_argument("--noise", type=float, default=1.0, help="times the standard deviation of the noise")
    elsewhere.add_argument("--blood-contrast", type=float, default=1.0, help="times the contrast of blood over brain")
    elsewhere.add_argument("--sharpness", type=float, default=0.0, help="of the kernel; 1 is like a bone kernel")
    elsewhere.add_argument("--tilt", type=float, default=0.0, metavar="DEGREES", help="of the head against the planes")
    phantom.set_defaults(run=_phantom)

    params = commands.add_parser("params", help="compose conf/ into params.yaml, checked")
    params.add_argument("overrides", nargs="*", help="as for dvc exp run -S, e.g. loss.gamma_neg=4")
    params.set_defaults(run=_params)

    add_predict_commands(commands)
    add_row_commands(commands)
    add_reproduce_command(commands)
    add_study_commands(commands)
    add_check_command(commands)
    add_export_command(commands)
    add_adopt_command(commands)
    add_limits_command(commands)
    return top


def _phantom(options: argparse.Namespace) -> None:
    from hohoho.phantom.elsewhere import Elsewhere
    from hohoho.phantom.montage import montage
    from hohoho.phantom.tree import write_phantom

    request = options.patients, options.seed, options.size, options.label_error_rate
    place = Elsewhere(options.noise, options.blood_contrast, options.sharpness, options.tilt)
    how = {"progress": True, "masks": options.masks, "place": place}
    images = write_phantom(options.out, *request, options.workers, **how)
    print(f"{images} slices of {options.patients} patients in {options.out}")
    if options.montage:
        montage(options.montage, options.seed, options.patients, options.size)


def _params(options: argparse.Namespace) -> None:
    from hohoho.rows.composition import compose

    compose(Path("params.yaml"), options.overrides)


if __name__ == "__main__":
    main()
