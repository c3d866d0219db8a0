"""conf/ → params.yaml, by the composition that `dvc exp run` does."""

from pathlib import Path

from dvc.utils.hydra import compose_and_dump

from hohoho.errors import InputError

QUOTES = """A value with spaces or letters beyond a-z needs quotes within quotes: "data.root='/mnt/my data'"."""
CONF, PLUGINS = Path("conf"), Path("conf/plugins")


def compose(output: Path, overrides: list[str]) -> None:
    """Write the composed parameters to `output`; overrides in Hydra's grammar. Exits with every mistake listed.

    Raises InputError where an override cannot be read or names no file of conf/.
    """
    from hydra.errors import HydraException

    try:
        compose_and_dump(str(output), str(CONF.absolute()), None, "config", str(PLUGINS.absolute()), overrides)
    except HydraException as error:
        raise InputError(f"{' '.join(overrides)}: {error}\n{QUOTES}") from None
