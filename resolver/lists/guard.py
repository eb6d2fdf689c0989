"""Which rules are too wide to be meant.

One bad line in a list must not take a whole top-level domain from a network:
``||com^`` is a mistake wherever it comes from. So a blocking rule for the root, for
a single label or for a public suffix is refused, and the reason told.

An exception may be as wide as a suffix: it blocks nobody and acts only within its own
list, and ``@@||gov.ir^`` or ``@@||ir^`` is a sensible thing to want. Only an exception
for the root is refused, since it says that its list blocks nothing.
"""

import functools
from collections.abc import Iterable
from typing import TYPE_CHECKING

from resolver.dns import names
from resolver.lists.rules import Rule

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


def too_wide(rule: Rule) -> str | None:
    """Say why a rule covers more than one owner's names, or None where it does not."""
    return too_wide_name(names.text(rule.name), exception=rule.exception)


def too_wide_name(text: str, *, exception: bool) -> str | None:
    """The same for the name of a rule, printed."""
    if text == ".":
        return "the root; every name lies below it"
    if exception:
        return None
    if "." not in text:
        return f"'{text}' is a single label: a whole top-level domain"
    if _suffixes().is_public(text):
        return f"'{text}' is a public suffix: its names have many owners"
    return None


class ProtectedNames:
    """Names that no list of others may block: the agency's own, and those of its upstreams."""

    def __init__(self, zones: Iterable[bytes]) -> None:
        self._zones = frozenset(zones)
        self._tops = {names.top(zone) for zone in self._zones}
        self._above = {above for zone in self._zones for above in names.zones(zone)}

    def __bool__(self) -> bool:
        return bool(self._zones)

    def touched(self, rule: Rule) -> str | None:
        """Why a blocking rule must not be, or None where it touches none of them."""
        if rule.exception or names.top(rule.name) not in self._tops:
            return None
        if rule.name in self._above and (rule.subtree or rule.name in self._zones):
            return "it covers a zone of this network, or a host that this server needs"
        if any(zone in self._zones for zone in names.zones(rule.name)):
            return "it lies in a zone of this network"
        return None


@functools.cache
def _suffixes() -> "PublicSuffixList":
    """The ICANN section of the Public Suffix List.

    The private section (``azureedge.net``, ``github.io``) stays out: an operator may well
    mean to block a whole hosting service, but nobody means to block ``co.uk``.
    """
    from publicsuffixlist import PublicSuffixList  # reading it costs more than most lists

    return PublicSuffixList(only_icann=True)
