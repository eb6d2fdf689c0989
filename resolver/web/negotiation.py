"""Which language a client prefers, by its Accept-Language header (RFC 9110 section 12.5.4).

Malformed parts of a header are ignored.
"""

from collections.abc import Iterator, Sequence

_MAX_ENTRIES = 50
"""Entries of a header that are read."""


def preferred(header: str, offered: Sequence[str]) -> str:
    """The language with the highest quality in a header, as ``fa`` for ``fa-IR``.

    It is one of those that are offered: the first of them where the header names none.
    """
    for name, quality in sorted(_entries(header), key=lambda entry: -entry[1]):
        language = name.partition("-")[0]
        if quality and language in offered:
            return language
    return offered[0]


def _entries(header: str) -> Iterator[tuple[str, float]]:
    for entry in header.split(",")[:_MAX_ENTRIES]:
        name, *parameters = (part.strip().lower() for part in entry.split(";"))
        yield name, _parse_quality(parameters)


def _parse_quality(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                quality = float(value)
            except ValueError:
                return 0.0
            return quality if 0.0 <= quality <= 1.0 else 0.0
    return 1.0
