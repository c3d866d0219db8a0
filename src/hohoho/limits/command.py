"""`hohoho limits`: its options and what it prints."""

import argparse
from pathlib import Path

from hohoho.errors import InputError

HEADS = 36


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    limits = commands.add_parser("limits", help="how small and how faint a bleed of the phantom the models still find")
    limits.add_argument("--out", type=Path, required=True, help="folder for tables, picture and page")
    model = "as `dvc repro` or `hohoho export` leaves it (default models)"
    limits.add_argument("--model", type=Path, default=Path("models"), help=model)
    limits.add_argument("--heads", type=int, default=HEADS, help=f"with a bleed of each class (default {HEADS})")
    share = "share of bleed-free heads in the same condition that the threshold lets through (default 0.05)"
    limits.add_argument("--false-alarms", type=float, default=0.05, metavar="SHARE", help=share)
    limits.add_argument("--size", type=int, default=96, help="pixels a side of the drawn slices (default 96)")
    limits.add_argument("--workers", type=int, default=0, help="processes (default: one a core)")
    limits.add_argument("--force", action="store_true", help="replace an older result")
    limits.set_defaults(run=_limits)


def _limits(options: argparse.Namespace) -> None:
    from hohoho.limits.limits import PAGE, Request, limits
    from hohoho.limits.listing import limit_table
    from hohoho.rows.listing import aligned

    how = options.model, options.heads, options.false_alarms, options.size, options.workers
    try:
        print(aligned(limit_table(limits(Request(*how), options.out, options.force))))
    except KeyboardInterrupt:
        raise InputError("stopped; nothing was written") from None
    print(f"all of it: {options.out / PAGE}")
