"""Pages made from templates, in Persian or English.

A page has a template, style sheets, and one table in ``messages/LANGUAGE.toml``. The template
sees that table and the shared messages as ``msg``, and the language's numbers and dates as
``fmt``.

What must stay true:
- Every value that a template is given is escaped. Only this package's own files are HTML.
- Jinja2 is imported when the first page is rendered: a supervisor whose pages nobody opens
  does not load it.
"""

import base64
import hashlib
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from resolver.web.formatting import Formatting

if TYPE_CHECKING:
    from datetime import tzinfo

    from jinja2 import Environment

    from resolver.metrics.faults import FaultValue
    from resolver.web.titles import Titles

_PLACE = Path(__file__).parent

LANGUAGES = ("fa", "en")
"""The first is the default."""


class Page:
    """A template with its style sheets, which are written into the page."""

    def __init__(self, name: str, *styles: str) -> None:
        """``name`` is that of the template and of the table of messages."""
        self._name = name
        self._style = Markup("".join(read_file(f"static/{style}") for style in styles))
        digest = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        self.style_source = f"sha256-{digest}"
        """The source expression that allows the style in a content security policy."""

    def render(self, language: str, zone: "tzinfo | None" = None, /, **values: object) -> str:
        """The page as HTML; the template sees ``values`` by their names.

        ``zone`` is the time zone of all moments; None for this host's.
        """
        shared = messages(language)
        return (
            _environment()
            .get_template(f"{self._name}.html")
            .render(
                language=language,
                languages={code: messages(code) for code in LANGUAGES},
                msg={**shared, **shared[self._name]},
                fmt=Formatting(language, zone),
                style=self._style,
                **values,
            )
        )


def read_file(path: str) -> str:
    """A file of this package."""
    return _PLACE.joinpath(path).read_text(encoding="utf-8")


@cache
def messages(language: str) -> dict[str, Any]:
    """The messages of a language, as HTML; values that are formatted into them are escaped."""
    table = tomllib.loads(read_file(f"messages/{language}.toml"))
    return {key: _escaped(value) for key, value in table.items()}


def _escaped(value: object) -> object:
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    return [escape(item) for item in value] if isinstance(value, list) else escape(value)


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_PLACE / "templates"),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["bdi"] = _bdi
    environment.filters["filled"] = _filled
    return environment


def _bdi(value: object) -> Markup:
    """A value whose direction does not depend on the text around it."""
    return Markup("<bdi>{}</bdi>").format(value)


def _filled(
    message: Markup, values: "Mapping[str, FaultValue]", fmt: Formatting, titles: "Titles"
) -> Markup:
    """A message with texts, services, counts and moments as the language has them."""
    return message.format(**{key: _shown(value, fmt, titles) for key, value in values.items()})


def _shown(value: "FaultValue", fmt: Formatting, titles: "Titles") -> str:
    if isinstance(value, str):
        return _bdi(value)
    if isinstance(value, tuple):
        return _bdi(titles.references(value))
    return fmt.moment(value) if isinstance(value, float) else fmt.number(value)
