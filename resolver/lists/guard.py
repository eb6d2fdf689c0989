"""Rules that cover too much to be intended, and rules against the network's own names.

One bad line in a list must not block a whole top-level domain: ``||com^`` is a mistake wherever
it comes from. So a blocking rule for the root, for a single label or for a public suffix is
refused, with the reason.

An exception may be as wide as a suffix, such as ``@@||gov.ir^`` or ``@@||ir^``: it acts only
within its own list. Only an exception for the root is refused, since its list would block
nothing.
"""

import functools
from collections.abc import Iterable
from typing import TYPE_CHECKING

from resolver.dns import names
from resolver.lists.rules import Rule

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


def too_wide(rule: Rule) -> str | None:
    """Why a rule covers names of more than one owner; None where it does not."""
    return too_wide_name(names.text(rule.name), exception=rule.exception)


def too_wide_name(text: str, *, exception: bool) -> str | None:
    """The same for the name of a rule, printed."""
    if text == ".":
        return "the root; every name is below it"
    if exception:
        return None
    if "." not in text:
        return f"'{text}' is a single label: a whole top-level domain"
    if _suffixes().is_public(text):
        return f"'{text}' is a public suffix: its names have many owners"
    return None


class ProtectedNames:
    """Names that no list of others may block: the agency's own, and its upstreams'."""

    def __init__(self, zones: Iterable[bytes]) -> None:
        self._zones = frozenset(zones)
        self._tops = {names.top(zone) for zone in self._zones}
        self._above = {above for zone in self._zones for above in names.zones(zone)}

    def __bool__(self) -> bool:
        return bool(self._zones)

    def conflict(self, rule: Rule) -> str | None:
        """Why a blocking rule is refused; None where it covers none of these names."""
        if rule.exception or names.top(rule.name) not in self._tops:
            return None
        if rule.name in self._above and (rule.subtree or rule.name in self._zones):
            return "it covers a zone of this network, or a host that this server needs"
        if any(zone in self._zones for zone in names.zones(rule.name)):
            return "it is in a zone of this network"
        return None


@functools.cache
def _suffixes() -> "PublicSuffixList":
    """The ICANN section of the Public Suffix List.

    Without the private section (``azureedge.net``, ``github.io``): an operator may want to block a
    whole hosting service, but never ``co.uk``.
    """
    from publicsuffixlist import PublicSuffixList  # loading it takes longer than most lists

    return PublicSuffixList(only_icann=True)
