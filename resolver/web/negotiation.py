"""What a client prefers, from its Accept and Accept-Language headers (RFC 9110 section 12.5).

The result is always one of the offers. Malformed parts of a header are ignored.
"""

from collections.abc import Iterator, Sequence

_MAX_ENTRIES = 50
"""Entries of a header that are read."""


def preferred(header: str, offered: Sequence[str]) -> str:
    """The offer with the highest quality in a header; the first of several with the same.

    A range such as ``text/*``, ``*/*`` or ``*`` matches all that it covers, and ``fa-IR``
    matches ``fa``. The most specific match gives an offer its quality; of two offers with the
    same quality, the one with the more specific match wins.
    """
    ranges = list(_entries(header))
    return max(offered, key=lambda offer: _quality(offer, ranges)) if ranges else offered[0]


def _entries(header: str) -> Iterator[tuple[str, float]]:
    for entry in header.split(",")[:_MAX_ENTRIES]:
        name, *parameters = (part.strip().lower() for part in entry.split(";"))
        if name:
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


def _quality(offer: str, ranges: Sequence[tuple[str, float]]) -> tuple[float, int]:
    """The quality of the most specific range that matches an offer, and how specific it is."""
    best, quality = max((_specificity(name, offer), quality) for name, quality in ranges)
    return (quality, best) if best and quality else (0.0, 0)


def _specificity(name: str, offer: str) -> int:
    """0 for a range that does not match an offer; the higher, the more specific."""
    if name == offer or name.startswith(f"{offer}-"):
        return 3
    if name.endswith("/*") and offer.startswith(name[:-1]):
        return 2
    return 1 if name in ("*", "*/*") else 0
