"""What the pages tell a user to type, for the tests that type it."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def blocks(page: str, heading: str, language: str = "bash") -> list[str]:
    """The code blocks of a section of a page, without `uv run`: in tests, the right Python comes first on the PATH."""
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", (DOCS / page).read_text(), re.DOTALL | re.MULTILINE)[1]
    return [text.replace("uv run ", "") for text in re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)]
