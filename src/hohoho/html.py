"""Pages from templates: everything that is put in is escaped, and nothing may be left out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2

from hohoho.files import atomic


def write_html(path: Path, template: Path, filters: dict[str, Callable], values: dict[str, Any]) -> None:
    """Fill a Jinja template; the same values give the same bytes."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template.parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters
    text = environment.get_template(template.name).render(values)
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
