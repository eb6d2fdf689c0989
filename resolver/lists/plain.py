"""Lists of bare names, one a line, in the three ways in which they are meant.

- ``plain``: the name alone, as Pi-hole and AdGuard Home read such a list.
- ``suffix``: the name and all below it, as squidGuard reads its domains.
- ``wildcard``: ``*.name``, which for the resolvers that such lists are made for (dnscrypt-proxy,
  YogaDNS) is the name and all below it.

Nothing in a file tells the first two apart, so the config has to.
"""

from resolver.lists.reading import RuleCollector, text_lines
from resolver.lists.rules import BlockList


def read_plain(text: str, service: str, file: str) -> BlockList:
    """Read a list whose names stand for themselves alone."""
    return _read(text, service, file, subtree=False)


def read_suffix(text: str, service: str, file: str) -> BlockList:
    """Read a list whose names stand for themselves and all below."""
    return _read(text, service, file, subtree=True)


def read_wildcard(text: str, service: str, file: str) -> BlockList:
    """Read a list of wildcards."""
    reading = RuleCollector()
    for line, said in text_lines(text):
        if said.startswith("*."):
            reason = reading.read(said[2:], line, subtree=True)
        else:
            reason = "no '*.' before the name"
        if reason:
            reading.skip(line, said, reason)
    return reading.block_list(service, file)


def _read(text: str, service: str, file: str, *, subtree: bool) -> BlockList:
    reading = RuleCollector()
    for line, said in text_lines(text):
        if reason := reading.read(said, line, subtree=subtree):
            reading.skip(line, said, reason)
    return reading.block_list(service, file)
