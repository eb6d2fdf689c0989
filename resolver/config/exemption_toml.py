"""Add, change or remove an exemption in the text of a config; everything else stays as it is.

An edit keeps comments and order. The result is parsed again: it must have the values of before
with that change, or it is not returned. An exemption is found by its place among those of its file.
"""

import re
import tomllib
from collections.abc import Callable, Collection, Container, Mapping
from contextlib import suppress
from itertools import chain, count
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from resolver import DarbanError
from resolver.config.toml_lines import TomlLines
from resolver.system.solar_hijri import ascii_digits

_MAX_ID = 40
_SECTION = "exemptions"

_Exemptions = list[dict[str, object]]


class NotEditable(DarbanError):
    """The text cannot be edited; the message says what to add by hand."""


def unused_id(ticket: str, known: Container[str]) -> str:
    """An id for an exemption, made of its ticket, that no other exemption has.

    Digits of any script are those of ASCII in it.
    """
    ascii_ticket = ascii_digits(ticket.lower())
    name = re.sub(r"[^a-z0-9]+", "-", ascii_ticket).strip("-")[:_MAX_ID] or "exemption"
    names = chain([name], (f"{name}-{number}" for number in count(2)))
    return next(name for name in names if name not in known)


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
    """The text of a config with other values of one exemption; NotEditable as ``add_exemption``."""

    def change(exemptions: _Exemptions) -> str:
        before, exemptions[place] = exemptions[place], {**exemptions[place], **values}
        lines = _lines(text)
        part = _table(lines, TomlLines(text), place, before)
        table: Any = tomlkit.parse("".join(lines[part]))
        table[_SECTION][0].update(values)
        return "".join([*lines[: part.start], tomlkit.dumps(table), *lines[part.stop :]])

    return _edited(text, change, f"change the exemption to:\n{tomlkit.dumps(values)}")


def remove_exemptions(text: str, places: Collection[int]) -> str:
    """The text of a config without some exemptions; NotEditable as ``add_exemption``."""

    def remove(exemptions: _Exemptions) -> str:
        # from the last to the first, so that the places and the lines of the others stay
        removed = [(place, exemptions.pop(place)) for place in sorted(places, reverse=True)]
        lines, known = _lines(text), TomlLines(text)
        for place, exemption in removed:
            _remove_lines(lines, _table(lines, known, place, exemption))
        return "".join(lines)

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
    added = tomlkit.dumps({_SECTION: [dict(exemption)]}).strip()
    edited = f"{text.rstrip()}\n\n{added}\n" if text.strip() else f"{added}\n"
    return edited.replace("\r\n", "\n").replace("\n", "\r\n") if "\r\n" in text else edited


def _lines(text: str) -> list[str]:
    """The lines of a text as TOML has them, with their ends."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _table(
    lines: list[str], known: TomlLines, place: int, exemption: Mapping[str, object]
) -> slice:
    """The lines of an exemption.

    No comment after them is among them: it may be about what comes next.

    Raises:
        ValueError: no lines are the table alone, as where it is an element of an array.
    """
    start = (known.line((_SECTION, place)) or 1) - 1
    for end in range(start + 1, len(lines) + 1):
        with suppress(ValueError):  # the lines end within a value
            document = tomllib.loads("".join(lines[start:end]))
            if document == {_SECTION: [exemption]}:
                return slice(start, end)
            if document.keys() != {_SECTION}:
                break
    raise ValueError("no lines are the table alone")


def _remove_lines(lines: list[str], part: slice) -> None:
    del lines[part]
    start: int = part.start
    if start and not lines[start - 1].strip() and not "".join(lines[start : start + 1]).strip():
        del lines[start - 1]  # one blank line is left of two
