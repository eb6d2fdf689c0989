"""Every format by the name that a config gives it, and which one a text looks like."""

from collections.abc import Callable
from types import MappingProxyType

from resolver.lists import adblock, dnsmasq, hosts, plain, rpz, unbound
from resolver.lists.rules import BlockList

Reader = Callable[[str, str, str], BlockList]
"""Text, service and file to the list."""

FORMATS: MappingProxyType[str, Reader] = MappingProxyType(
    {
        "adblock": adblock.read,
        "hosts": hosts.read,
        "plain": plain.read_plain,
        "suffix": plain.read_suffix,
        "wildcard": plain.read_wildcard,
        "dnsmasq": dnsmasq.read,
        "unbound": unbound.read,
        "rpz": rpz.read,
    }
)
_ENOUGH = 20_000
"""Characters from which a format can be told."""


def guess_format(text: str) -> str:
    """The format in which most of a text's beginning can be read; empty where there is none."""
    start = text[:_ENOUGH].rpartition("\n")[0] or text[:_ENOUGH]
    best, rules = "", 0
    for name, read in FORMATS.items():
        found = read(start, "", "")
        if len(found.rules) > max(rules, len(found.skipped)):
            best, rules = name, len(found.rules)
    return best
