"""Refuse a composition with mistakes in it: Hydra itself accepts a misspelt key in a row file without a word.

And refuse to rewrite params.yaml under a run that is at work here: it would be recorded with parameters not its own.
And refuse a run beside one in another working tree of the Git repository.

DVC loads this folder (`hydra.plugins_path` in .dvc/config) before it composes params.yaml.
"""

import sys
from pathlib import Path

from omegaconf import OmegaConf

from hohoho.errors import InputError
from hohoho.params import PARAMS, check
from hohoho.rows.composition import for_the_workspace
from hohoho.rows.worktrees import experiment_elsewhere, is_experiment_in_the_folder
from hohoho.stage.workspace import others_at_work

SCHEMA = Path(__file__).parents[2] / "schema.yaml"


def composed_from_conf(*, _root_) -> str:
    """The first line of params.yaml; on the way, the whole composition is checked."""
    try:
        others = others_at_work() if for_the_workspace.get() else None
        elsewhere = experiment_elsewhere() if is_experiment_in_the_folder(sys.argv) else None
    except InputError as error:
        sys.exit(f"ERROR: {error}")
    if others:
        sys.exit(
            f"ERROR: {others} is at work in this folder, and {PARAMS} is not rewritten under a run: wait for its end, "
            "work in another clone, or queue experiments before (`dvc exp run --queue`, then `dvc queue start`)"
        )
    if elsewhere:
        sys.exit(
            f"ERROR: {elsewhere} is at work, and DVC keeps one record for both: wait for its end, or run this one in a "
            "copy (`dvc exp run --temp`, or `--queue` and `dvc queue start`)"
        )
    composed = _root_.copy()
    composed.edit = ""
    try:
        check(OmegaConf.to_container(composed, resolve=True), SCHEMA)
    except InputError as error:
        sys.exit(f"ERROR: {error}")  # OmegaConf would bury any Exception in one of its own
    return "conf/, then `hohoho params` or `dvc exp run`: this file is composed from it"


OmegaConf.register_new_resolver("composed_from_conf", composed_from_conf, replace=True)
