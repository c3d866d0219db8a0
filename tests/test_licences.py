"""This project is MIT: nothing that it installs may be had under the GPL alone."""

import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

DEV = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["dependency-groups"]["dev"]
GPL = re.compile(r"(?<!L)GPL|(?<!Lesser )General Public Licen[sc]e", re.IGNORECASE)
OTHER_CHOICE = re.compile(r"\bOR\b|\||linking exception", re.IGNORECASE)  # pygit2's exception lets anyone link to it


def requirements(names):
    """Names of all packages that these requirements bring in on this machine, their own requirements included."""
    todo, done = [(Requirement(name), "") for name in names], set()
    while todo:
        needed, extra = todo.pop()
        if (needed.name.lower(), extra) in done or (needed.marker and not needed.marker.evaluate({"extra": extra})):
            continue
        for own_extra in ("", *needed.extras):
            done.add((needed.name.lower(), own_extra))
            own = map(Requirement, distribution(needed.name).requires or [])
            todo += [(each, "") for each in own if not each.marker or each.marker.evaluate({"extra": own_extra})]
    return {name for name, _ in done}


def is_gpl_alone(texts):
    """Whether licence texts of one package name the GPL, and no other choice."""
    return any(map(GPL.search, texts)) and not any(map(OTHER_CHOICE.search, texts))


def licences(name):
    metadata = distribution(name).metadata
    classifiers = [text for text in metadata.get_all("Classifier", []) if text.startswith("License")]
    return [metadata.get("License-Expression") or "", (metadata.get("License") or "")[:200], *classifiers]


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("GPLv3", True),
        ("AGPL-3.0-only", True),
        ("License :: OSI Approved :: GNU General Public License v3 (GPLv3)", True),
        ("LGPL-2.1-or-later", False),
        ("License :: OSI Approved :: GNU Lesser General Public License v3 (LGPLv3)", False),
        ("Apache-2.0 OR GPL-2.0-or-later", False),
        ("MIT", False),
    ],
)
def test_the_gpl_is_told_from_the_lesser_one_and_from_a_choice(text, refused):
    assert is_gpl_alone([text]) == refused


def test_no_package_that_the_project_installs_is_gpl():
    names = requirements(DEV)
    assert {"pydicom", "torch", "pytest"} < names and len(names) > 100
    assert [name for name in sorted(names) if is_gpl_alone(licences(name))] == []
