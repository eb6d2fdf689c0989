"""Build the large tables of a policy, beside an event loop that goes on answering.

A worker calls these functions in a thread. They stay interpreted in a compiled wheel: a compiled
function holds the interpreter lock until it returns, so the event loop would stop meanwhile.
"""

from collections.abc import Iterable
from itertools import chain

from resolver.dns import names
from resolver.policy.prefix import Prefix

Networks = dict[int, dict[int, dict[int, list[int]]]]
"""Owners of prefixes by address size in octets, prefix length, and network number."""


def ancestors(*of: Iterable[bytes]) -> set[bytes]:
    """All names strictly above these names."""
    found: set[bytes] = set()
    for name in chain.from_iterable(of):
        at = 0
        while length := name[at]:
            at += 1 + length
            found.add(name[at:])
    return found


def networks(prefixes: Iterable[Prefix]) -> Networks:
    """Prefixes by family and length; the longest come first."""
    by_size: Networks = {4: {}, 16: {}}
    for prefix in prefixes:
        lengths = by_size[len(prefix.network)]
        of_length = lengths.setdefault(prefix.length, {})
        number = int.from_bytes(prefix.network, "big")
        of_length.setdefault(number, []).append(prefix.owner)
    return {size: dict(sorted(each.items(), reverse=True)) for size, each in by_size.items()}


def top_labels(of: Iterable[bytes]) -> frozenset[bytes]:
    """The marks of the last labels of these names (``names.top``)."""
    return frozenset(names.top(name) for name in of)
