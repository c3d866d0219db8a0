"""conf/ → params.yaml, by the composition that `dvc exp run` does."""

from contextvars import ContextVar
from pathlib import Path
from tempfile import TemporaryDirectory

from dvc.utils.hydra import compose_and_dump

from hohoho.errors import InputError
from hohoho.files import atomic
from hohoho.params import PARAMS

QUOTES = """A value with spaces or letters beyond a-z needs quotes within quotes: "data.root='/mnt/my data'"."""
CONF, PLUGINS = Path("conf"), Path("conf/plugins")
for_the_workspace = ContextVar("for_the_workspace", default=True)  # DVC composes for it; read by conf/plugins


def compose(output: Path, overrides: list[str]) -> None:
    """Write the composed parameters to `output`; overrides in Hydra's grammar. Exits with every mistake listed.

    Raises InputError where an override cannot be read or names no file of conf/.
    """
    from hydra.errors import HydraException

    if not CONF.is_dir():
        raise InputError(f"{CONF.absolute()} missing: run this in the repository's root folder")
    token = for_the_workspace.set(output.absolute() == PARAMS.absolute())
    try:
        with TemporaryDirectory() as folder, atomic(output) as temporary:
            composed = Path(folder) / PARAMS.name  # DVC writes what the suffix says, and not at one stroke
            compose_and_dump(str(composed), str(CONF.absolute()), None, "config", str(PLUGINS.absolute()), overrides)
            temporary.write_text(composed.read_text())
    except HydraException as error:
        raise InputError(f"{' '.join(overrides)}: {error}\n{QUOTES}") from None
    finally:
        for_the_workspace.reset(token)
