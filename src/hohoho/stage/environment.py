"""What a stage starts with: the pinned packages, and the source code as it was when Python began to load it.

Standard library only: it is loaded before anything that may be missing.
"""

import hashlib
import platform
import re
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PYPROJECT = Path("pyproject.toml")
CODE = ("src/hohoho/**/*.py", "src/hohoho/**/*.j2", "stages/*.py")
PIN = re.compile(r'^\s*"([\w.-]+)==([^"]+)",?\s*$')


def pins(pyproject: str) -> dict[str, str]:
    """Package → version of the dependencies of a pyproject.toml."""
    block = pyproject.partition("\ndependencies = [")[2].partition("\n]")[0]
    return dict(match.groups() for match in map(PIN.match, block.splitlines()) if match)


def installed(package: str) -> str:
    """The version that is here, or "missing"."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def wrong_packages(pyproject: str) -> list[str]:
    """The dependencies of a pyproject.toml that are missing here or have another version than the pinned one."""
    found = {name: installed(name) for name in pins(pyproject)}
    return [
        f"{name} {found[name].partition('+')[0]} (pinned: {pinned})"
        for name, pinned in pins(pyproject).items()
        if found[name].partition("+")[0] != pinned  # torch 2.13.0+cpu is torch 2.13.0
    ]


def package_versions() -> dict[str, str]:
    """Python's version and, with their builds, those of the pinned packages."""
    text = PYPROJECT.read_text() if PYPROJECT.is_file() else ""
    return {"python": platform.python_version()} | {name: installed(name) for name in pins(text)}


def require_pinned_packages() -> None:
    """End the process with one line where this Python has not the packages that pyproject.toml pins."""
    if not PYPROJECT.is_file():
        return
    wrong = wrong_packages(PYPROJECT.read_text())
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        sys.exit(
            f"ERROR: {sys.executable} has not the packages of this project: {', '.join(wrong[:3])}{more}. "
            f"Start with `uv run dvc …` or `uv run hohoho …`; they use {Path('.venv').absolute()}"
        )


def code_hashes() -> dict[str, str]:
    """Path → SHA-256 of every source file of the package and of the stages."""
    paths = sorted(path for pattern in CODE for path in Path().glob(pattern))
    return {path.as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
