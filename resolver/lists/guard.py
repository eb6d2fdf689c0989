"""Rules that cover too much to be intended, and rules against the network's own names.

One bad line in a list must not block a whole top-level domain: ``||com^`` is a mistake wherever
it comes from. So a blocking rule for the root, for a single label or for a public suffix is
refused, with the reason.

An exception may be as wide as a suffix, such as ``@@||gov.ir^`` or ``@@||ir^``: it acts only
within its own list. Only an exception for the root is refused, since its list would block
nothing. A list of others may have none that wide (``acceptance``).
"""

import functools
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

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


class ProtectedName(NamedTuple):
    """A name that no list of others may block."""

    name: bytes
    what: str
    """In words for the operator."""
    subtree: bool = True
    """Whether the names below it are protected, too."""
    of_network: bool = False
    """Whether no author of a list can know it: a rule above it is right for all other names."""


class ProtectedNames:
    """Names that no list of others may block.

    A rule for one of them is refused. So is a rule above one that every network needs: who writes
    it does not know what breaks. A rule above a name of this network blocks all but that name.
    """

    def __init__(self, protected: Iterable[ProtectedName]) -> None:
        self._by_name: dict[bytes, ProtectedName] = {}
        self._at_or_below: dict[bytes, list[ProtectedName]] = {}
        for entry in protected:
            self._by_name[entry.name] = entry
            for above in names.zones(entry.name):
                self._at_or_below.setdefault(above, []).append(entry)
        self._tops = {names.top(name) for name in self._by_name}

    def conflict(self, rule: Rule) -> str | None:
        """Why a blocking rule is refused; None where it is used, perhaps with ``exceptions``."""
        if rule.exception or names.top(rule.name) not in self._tops:
            return None
        for zone in names.zones(rule.name):
            protected = self._by_name.get(zone)
            if protected and (protected.subtree or (zone == rule.name and not rule.subtree)):
                return f"{protected.what} ('{names.text(zone)}')"
        for protected in self._covered(rule):
            if not protected.of_network:
                return f"it covers {protected.what} ('{names.text(protected.name)}')"
        return None

    def exceptions(self, rule: Rule) -> Iterator[tuple[Rule, str]]:
        """The exceptions to a rule that is used, and what the name of each is."""
        for protected in self._covered(rule):
            yield Rule(protected.name, protected.subtree, True, rule.line), protected.what

    def _covered(self, rule: Rule) -> list[ProtectedName]:
        """The names that a blocking rule for a subtree covers."""
        is_above = rule.subtree and not rule.exception
        return self._at_or_below.get(rule.name, []) if is_above else []


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
