"""What a client would rather have, by its Accept and Accept-Language headers.

Whatever the header says, the answer is one of what is offered: rubbish counts as silence.
"""

from collections.abc import Iterator, Sequence

_MOST = 50
"""Entries of a header that are looked at."""


def preferred(header: str, offered: Sequence[str]) -> str:
    """The offer that a header likes best; the first one where it likes several alike.

    A range such as ``text/*``, ``*/*`` or ``*`` stands for all that it covers, and ``fa``
    is meant by ``fa-IR`` as well; what is named more exactly counts, and is liked better.
    """
    wanted = list(_entries(header))
    return max(offered, key=lambda offer: _weight(offer, wanted)) if wanted else offered[0]


def _entries(header: str) -> Iterator[tuple[str, float]]:
    for entry in header.split(",")[:_MOST]:
        name, *parameters = (part.strip().lower() for part in entry.split(";"))
        if name:
            yield name, _quality(parameters)


def _quality(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                quality = float(value)
            except ValueError:
                return 0.0
            return quality if 0.0 <= quality <= 1.0 else 0.0
    return 1.0


def _weight(offer: str, wanted: Sequence[tuple[str, float]]) -> tuple[float, int]:
    """The quality of the range that covers an offer most exactly, and how exact it is."""
    exactness, weight = 0, 0.0
    for name, quality in wanted:
        covers = _exactness(name, offer)
        if covers > exactness or (covers == exactness and covers and quality > weight):
            exactness, weight = covers, quality
    return weight, exactness if weight else 0


def _exactness(name: str, offer: str) -> int:
    if name == offer or name.startswith(f"{offer}-"):
        return 3
    if name.endswith("/*") and offer.startswith(name[:-1]):
        return 2
    return 1 if name in ("*", "*/*") else 0
