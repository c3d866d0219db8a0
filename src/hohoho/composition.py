"""conf/ → params.yaml, by the composition that `dvc exp run` does."""

from pathlib import Path

from dvc.utils.hydra import compose_and_dump

CONF, PLUGINS = Path("conf"), Path("conf/plugins")


def compose(output: Path, overrides: list[str]) -> None:
    """Write the composed parameters to `output`; overrides in Hydra's grammar. Exits with every mistake listed."""
    compose_and_dump(str(output), str(CONF.absolute()), None, "config", str(PLUGINS.absolute()), overrides)
