"""HTML made of parts, in which whatever a stranger wrote stays text.

Every piece of text is escaped when it is put into an element or a sentence; only what was
made here is HTML already. So nobody who writes a page has to remember to escape.
"""

import string
from html import escape

_EMPTY = frozenset({"br", "input", "link", "meta"})
"""Elements without an end."""


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


NOTHING = Markup("")


def text(value: str) -> Markup:
    """A value as HTML: as it is where it is HTML already, else escaped."""
    return value if isinstance(value, Markup) else Markup(escape(value))


def join(*parts: str) -> Markup:
    """Parts one after the other."""
    return Markup("".join(map(text, parts)))


def tag(name: str, /, *inside: str, **attributes: str | int | bool | None) -> Markup:
    """An element; ``class_`` is the attribute class, ``aria_label`` is aria-label.

    An attribute that is True stands without a value, one that is None or False not at all.
    """
    start = f"<{name}{''.join(_attribute(*pair) for pair in attributes.items())}>"
    if name in _EMPTY:
        return Markup(start)
    return Markup(f"{start}{join(*inside)}</{name}>")


def _attribute(name: str, value: str | int | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'


def isolated(inside: str, class_: str | None = None) -> Markup:
    """Text whose direction is its own, whatever the page's is."""
    return tag("bdi", inside, class_=class_)


def fill(sentence: str, **parts: str) -> Markup:
    """A sentence with parts in its braces; both are escaped where they are not HTML."""
    pieces = []
    for words, field, _, _ in string.Formatter().parse(sentence):
        pieces.append(escape(words))
        if field is not None:
            pieces.append(text(parts[field]))
    return Markup("".join(pieces))
