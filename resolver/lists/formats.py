"""Every list format by the name that a config gives it, and a guess at the format of a text."""

from collections.abc import Callable
from types import MappingProxyType

from resolver.lists.adblock import AdblockReader
from resolver.lists.hosts import HostsReader
from resolver.lists.plain import PlainReader, SuffixReader, WildcardReader
from resolver.lists.rpz import RpzReader
from resolver.lists.rules import BlockList

Read = Callable[[str, str, str], BlockList]
"""From text, service and file to the list."""

FORMATS: MappingProxyType[str, Read] = MappingProxyType(
    {
        "adblock": AdblockReader.read,
        "hosts": HostsReader.read,
        "plain": PlainReader.read,
        "suffix": SuffixReader.read,
        "wildcard": WildcardReader.read,
        "rpz": RpzReader.read,
    }
)
_ENOUGH = 20_000
"""Characters that are enough to guess a format."""


def guess_format(text: str) -> str:
    """The format in which most of a text's beginning can be read; empty where there is none."""
    start = text[:_ENOUGH].rpartition("\n")[0] or text[:_ENOUGH]
    best, rules = "", 0
    for name, read in FORMATS.items():
        found = read(start, "", "")
        if len(found.rules) > max(rules, len(found.skipped)):
            best, rules = name, len(found.rules)
    return best
