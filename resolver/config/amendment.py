"""Add, change or remove an exemption in the text of a config; everything else stays as it is.

An edit keeps comments and order. The result is parsed again: it must have the values of before
with that change, or it is not returned. An exemption is found by its place among those of its file.
"""

import re
import tomllib
from collections.abc import Callable, Container, Mapping
from contextlib import suppress
from itertools import chain, count
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Array

from resolver.config.toml_lines import TomlLines
from resolver.errors import DarbanError

_MAX_ID = 40
_SECTION = "exemptions"

_Exemptions = list[dict[str, object]]


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

    def add(exemptions: _Exemptions) -> str:
        exemptions.append(dict(exemption))
        return _with(text, exemption)

    return _edited(text, add, f"add this:\n{tomlkit.dumps({_SECTION: [dict(exemption)]})}")


def change_exemption(text: str, place: int, values: Mapping[str, object]) -> str:
    """The text of a config with other values of one exemption; NotEditable as above."""

    def change(exemptions: _Exemptions) -> str:
        exemptions[place] = {**exemptions[place], **values}
        document = tomlkit.parse(text)
        table: Any = document[_SECTION]
        table[place].update(values)
        return tomlkit.dumps(document)

    return _edited(text, change, f"change the exemption to:\n{tomlkit.dumps(values)}")


def remove_exemption(text: str, place: int) -> str:
    """The text of a config without one exemption; NotEditable as above."""

    def remove(exemptions: _Exemptions) -> str:
        del exemptions[place]
        document = tomlkit.parse(text)
        present = document[_SECTION]
        if isinstance(present, Array):
            del present[place]
            return tomlkit.dumps(document)
        return _without_table(text, place, exemptions)

    return _edited(text, remove, "remove the exemption")


def _edited(text: str, edit: Callable[[_Exemptions], str], by_hand: str) -> str:
    """The edited text, if it has the values of before, and the exemptions that ``edit`` leaves."""
    document = tomllib.loads(text)
    try:
        exemptions = list(document.get(_SECTION, []))
        edited = edit(exemptions)
        if _has(edited, {**document, _SECTION: exemptions}):
            return edited
    except (TOMLKitError, ValueError, TypeError, RecursionError):
        pass
    raise NotEditable(f"the config cannot be edited safely; by hand, {by_hand}")


def _has(text: str, document: Mapping[str, object]) -> bool:
    return {_SECTION: [], **tomllib.loads(text)} == document


def _with(text: str, exemption: Mapping[str, object]) -> str:
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


def _without_table(text: str, place: int, rest: _Exemptions) -> str:
    """Remove the lines of a table: no comment after them, which may be about what comes next."""
    lines = text.splitlines(keepends=True)
    start = (TomlLines(text).line((_SECTION, place)) or 0) - 1
    expected = {**tomllib.loads(text), _SECTION: rest}
    for end in range(start + 1, len(lines) + 1):
        before, after = lines[:start], lines[end:]
        if before and not before[-1].strip() and not (after and after[0].strip()):
            before = before[:-1]  # one blank line is left of two
        without = "".join(before + after)
        with suppress(ValueError):
            if _has(without, expected):
                return without
    raise ValueError("no lines are the table alone")
