"""Add an exemption to the text of a config; everything else stays as it is.

The edit keeps comments and order. The result is parsed again: it must have the values of
before and the exemption, or it is not returned.
"""

import re
import tomllib
from collections.abc import Container, Mapping
from itertools import chain, count

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Array

from resolver.errors import DarbanError

_MAX_ID = 40
_SECTION = "exemptions"


class NotEditable(DarbanError):
    """The text cannot be edited; the message says what to add by hand."""


def unused_id(ticket: str, known: Container[str]) -> str:
    """An id for an exemption, made of its ticket, that no other exemption has."""
    name = re.sub(r"[^a-z0-9]+", "-", ticket.lower()).strip("-")[:_MAX_ID] or "exemption"
    names = chain([name], (f"{name}-{number}" for number in count(2)))
    return next(each for each in names if each not in known)


def add_exemption(text: str, exemption: Mapping[str, object]) -> str:
    """The text of a config with one more exemption.

    Raises:
        NotEditable: the text has a form in which this is not safe.
    """
    try:
        amended = _amended(text, exemption)
        if tomllib.loads(amended) == _expected(text, exemption):
            return amended
    except (TOMLKitError, ValueError, TypeError, RecursionError):
        pass
    by_hand = tomlkit.dumps({_SECTION: [dict(exemption)]})
    raise NotEditable(f"the config cannot be edited safely; add this by hand:\n{by_hand}")


def _amended(text: str, exemption: Mapping[str, object]) -> str:
    """Add it at the end, so that no comment is separated from its value."""
    document = tomlkit.parse(text)
    present = document.get(_SECTION)
    if isinstance(present, Array):
        inline = tomlkit.inline_table()
        inline.update(exemption)
        present.append(inline)
        return tomlkit.dumps(document)
    added = tomlkit.dumps({_SECTION: [dict(exemption)]}).strip()
    amended = f"{text.rstrip()}\n\n{added}\n" if text.strip() else f"{added}\n"
    return amended.replace("\r\n", "\n").replace("\n", "\r\n") if "\r\n" in text else amended


def _expected(text: str, exemption: Mapping[str, object]) -> dict[str, object]:
    document = tomllib.loads(text)
    return {**document, _SECTION: [*document.get(_SECTION, []), dict(exemption)]}
