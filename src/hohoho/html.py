"""Pages from templates: everything that is put in a page is escaped, and nothing may be left out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2

from hohoho.files import atomic


def write_html(path: Path, template: Path, filters: dict[str, Callable], values: dict[str, Any]) -> None:
    """Fill a Jinja template of HTML; the same values give the same bytes."""
    _write(path, template, filters, values, autoescape=True)


def write_text(path: Path, template: Path, filters: dict[str, Callable], values: dict[str, Any]) -> None:
    """The same of Markdown, where nothing is escaped: only for values that no file of a patient brings."""
    _write(path, template, filters, values, autoescape=False)


def _write(path, template, filters, values, autoescape):
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template.parent),
        autoescape=autoescape,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters
    text = environment.get_template(template.name).render(values)
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
