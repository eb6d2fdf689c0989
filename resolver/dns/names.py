r"""Domain names as lower-case wire bytes.

A name is ``bytes`` in uncompressed wire form (RFC 1035 section 3.1), in lower case
(RFC 4343), for example ``b"\x01t\x02me\x00"``. Darban compares names in this form and
never as text: in text, a dot inside a label looks like the dot between two labels.

What must stay true:
- ``parse`` and ``text`` are inverses for every valid name.
- ``index_key(a)`` is a prefix of ``index_key(b)`` if b is a or lies below a.
"""

import functools
from collections.abc import Iterator
from typing import Final

from resolver import DarbanError

MAX_NAME: Final = 255
MAX_LABEL: Final = 63
ROOT: Final = b"\x00"
WILDCARD: Final = b"\x01*"
"""The first label of a wildcard (RFC 4592 section 2.1.1)."""

_PLAIN: Final = frozenset(range(0x21, 0x7F)) - frozenset(b'."$();@\\')
"""Octets that are printed without an escape."""
_SHORT: Final = 0x20
"""The longest label whose length octet is none of the plain octets."""
_DOTTED: Final = bytes(
    [o if o in _PLAIN else ord(".") if 0 < o <= _SHORT else 0xFF for o in range(256)]
)
"""Translates the length octets of short labels to dots, and other octets that need an escape to
0xFF. An octet of a label can become a dot too, so ``text`` counts the dots."""


class InvalidName(DarbanError):
    """The text is no domain name; the message says why."""


def parse(text: str) -> bytes:
    r"""Read a name from its presentation form (RFC 1035 section 5.1, with ``\.`` and ``\DDD``).

    Every name is absolute, with or without a final dot. Letters outside ASCII become
    A-labels (IDNA 2008, RFC 5891).

    Raises:
        InvalidName: the text is empty, has an empty label, or a label or the name is too long.
    """
    if text == ".":
        return ROOT
    if not text:
        raise InvalidName("the name is empty")
    if not text.isascii():
        text = _to_ascii(text)
    wire = bytearray()
    for label in _split(text):
        if not label:
            raise InvalidName(f"'{text}' has an empty label")
        if len(label) > MAX_LABEL:
            raise InvalidName(f"'{text}' has a label of {len(label)} octets; {MAX_LABEL} at most")
        wire.append(len(label))
        wire += label
    wire.append(0)
    if len(wire) > MAX_NAME:
        raise InvalidName(f"'{text}' takes {len(wire)} octets; {MAX_NAME} at most")
    return bytes(wire).lower()


def parse_host(text: str) -> bytes:
    """Read a name that needs none of the checks and conversions of ``parse``.

    The caller has checked that it is lower-case ASCII without an escape or a final dot, and that
    no label and not the name is too long. Nearly every line of a list is like this. Many names
    have the same parent, so the wire form of a parent is cached.
    """
    label, dot, above = text.partition(".")
    head = chr(len(label)) + label
    return (head + _parent(above) if dot else head + "\0").encode("ascii")


@functools.lru_cache(maxsize=1 << 16)
def _parent(text: str) -> str:
    return "".join(chr(len(label)) + label for label in text.split(".")) + "\0"


def _to_ascii(text: str) -> str:
    import idna  # imported here because its tables are large and few names need them

    try:
        return idna.encode(text, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise InvalidName(f"'{text}' is no internationalised name: {error}") from None


def _split(text: str) -> list[bytes]:
    if "\\" not in text:
        return [label.encode("ascii") for label in text.removesuffix(".").split(".")]
    labels = [bytearray()]
    rest = iter(text)
    for char in rest:
        if char == ".":
            labels.append(bytearray())
        elif char == "\\":
            labels[-1].append(_unescape(rest, text))
        else:
            labels[-1].append(ord(char))
    if len(labels) > 1 and not labels[-1]:
        labels.pop()
    return [bytes(label) for label in labels]


def _unescape(rest: Iterator[str], text: str) -> int:
    first = next(rest, "")
    if first.isdigit():
        digits = first + next(rest, "") + next(rest, "")
        if len(digits) == 3 and digits.isdigit() and int(digits) < 256:
            return int(digits)
    elif first:
        return ord(first)
    raise InvalidName(f"'{text}' has a broken escape")


def text(name: bytes) -> str:
    """The name as text; octets that could be misread are escaped. The root is ``.``."""
    if name == ROOT:
        return "."
    at = count = 0
    while length := name[at]:
        if length > _SHORT:
            return _escaped(name)
        at += 1 + length
        count += 1
    dotted = name[1:-1].translate(_DOTTED)
    if dotted.count(b".") == count - 1 and dotted.isascii():
        return dotted.decode("ascii")
    return _escaped(name)


def _escaped(name: bytes) -> str:
    return ".".join(
        ["".join([chr(o) if o in _PLAIN else _escape(o) for o in label]) for label in labels(name)]
    )


def _escape(octet: int) -> str:
    return "\\" + chr(octet) if 33 <= octet <= 126 else f"\\{octet:03d}"


def first_in(octets: bytes) -> bytes:
    """The name that some octets begin with; IndexError where it goes on after them."""
    at = 0
    while length := octets[at]:
        at += 1 + length
    return octets[: at + 1]


def end_of(packet: bytes, at: int) -> int:
    """The offset behind a name that was checked, and may end in a compression pointer."""
    while length := packet[at]:
        if length > MAX_LABEL:
            return at + 2
        at += 1 + length
    return at + 1


def labels(name: bytes) -> list[bytes]:
    """Split a name into its labels, leftmost first, without the empty label of the root."""
    parts = []
    at = 0
    while length := name[at]:
        parts.append(name[at + 1 : at + 1 + length])
        at += 1 + length
    return parts


def zones(name: bytes) -> Iterator[bytes]:
    """Yield the name itself, then each name above it; the root is last."""
    at = 0
    while length := name[at]:
        yield name[at:]
        at += 1 + length
    yield ROOT


def is_within(name: bytes, zone: bytes) -> bool:
    """Whether the name equals the zone or lies below it."""
    if not name.endswith(zone):
        return False
    start = len(name) - len(zone)
    at = 0
    while at < start:
        at += 1 + name[at]
    return at == start


def top(name: bytes) -> bytes:
    """A mark of the last label, read without walking the name.

    Names with the same last label have the same mark. Names with different last labels nearly
    always have different marks.
    """
    return name[-3:]


def index_key(name: bytes) -> bytes:
    """The octets of the name in reverse order, without the octet of the root.

    The key of every name above this one is a prefix of its key. The converse needs ``is_within``:
    if a label holds an octet that looks like a length, a prefix may end inside a label.
    """
    return name[-2::-1]


def from_index_key(key: bytes) -> bytes:
    """The name whose ``index_key`` this is."""
    return key[::-1] + ROOT
