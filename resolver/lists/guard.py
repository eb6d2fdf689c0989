"""Rules that cover too much to be intended, and rules against the network's own names.

One bad line in a list must not block a whole top-level domain: ``||com^`` is a mistake wherever
it comes from. So a blocking rule for the root, for a single label or for a public suffix is
refused, with the reason.

An exception may be as wide as a suffix, such as ``@@||gov.ir^`` or ``@@||ir^``: it acts only
within its own list. Only an exception for the root is refused, since its list would block
nothing. A list of others may have none that wide (``acceptance``).
"""

import functools
from collections.abc import Mapping
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
    if _suffixes(only_icann=True).is_public(_unicode(text)):
        return f"'{text}' is a public suffix: its names have many owners"
    return None


class ProtectedNames:
    """Names that no list of others may block, each with all names below it."""

    def __init__(self, zones: Mapping[bytes, str]) -> None:
        """``zones`` are the names, and what each is, in words for the operator."""
        self._zones = zones
        self._tops = {names.top(zone) for zone in zones}
        self._above = {above: zone for zone in zones for above in names.zones(zone)}
        """One of the zones that are at a name or below it."""

    def conflict(self, rule: Rule) -> str | None:
        """Why a blocking rule is refused; None where it covers none of these names."""
        if rule.exception or names.top(rule.name) not in self._tops:
            return None
        for zone in names.zones(rule.name):
            if zone in self._zones:
                return f"{self._zones[zone]} ('{names.text(zone)}')"
        if rule.subtree and rule.name in self._above:
            zone = self._above[rule.name]
            return f"it covers {self._zones[zone]} ('{names.text(zone)}')"
        return None


def registrable_domain(name: bytes) -> bytes | None:
    """The domain of one owner that a name is in: a public suffix and one label before it.

    None for a public suffix. With the private section of the Public Suffix List: each customer of
    ``azureedge.net`` or ``github.io`` is an owner.
    """
    text = names.text(name)
    domain = None if "\\" in text else _suffixes(only_icann=False).privatesuffix(text)
    return None if domain is None else names.parse(domain)


def _unicode(text: str) -> str:
    """A printed name with U-labels (RFC 5890) instead of A-labels, where they can be decoded."""
    lower = text.lower()
    try:
        return lower.encode().decode("idna") if "xn--" in lower else text
    except UnicodeError:
        return text


@functools.cache
def _suffixes(*, only_icann: bool) -> "PublicSuffixList":
    """The Public Suffix List; its ICANN section has suffixes such as ``co.uk`` alone.

    The private section has ``azureedge.net`` and ``github.io``: an operator may want to block a
    whole hosting service, but never ``co.uk``. Every start needs the ICANN section: it has
    U-labels alone, since to encode all its names takes longer than to read most lists.
    """
    from publicsuffixlist import PublicSuffixList  # loading it takes longer than most lists

    return PublicSuffixList(only_icann=only_icann, accept_encoded_idn=not only_icann)
