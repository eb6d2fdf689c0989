"""Every list format by the name that a config gives it, and a guess at the format of a text.

``adblock`` and ``rpz`` have modules of their own. The others have names alone, one or more a line:

- ``hosts``: an address, and the names that have it. ``0.0.0.0 ads.example`` blocks that name
  alone. Only addresses at which no host can be reached block; a line that gives a name any other
  address is a record, not a block.
- ``plain``: the name alone, as Pi-hole and AdGuard Home read such a list.
- ``suffix``: the name and all below it, as squidGuard reads its domains.
- ``wildcard``: ``*.name``, which for the resolvers that use such lists (dnscrypt-proxy, YogaDNS)
  is the name and all below it.

Only the config can say whether a file is ``plain`` or ``suffix``.

To add a format (one that exists may only need to read one more kind of line):
- A class below ``ListReader``, here for names alone, else in a module of its own; its name in
  ``FORMATS``, where the first that a text resembles is named, and in ``ListFormat`` (config/model).
- Stored snapshots have the names: ``FORM`` (policy/compiled) and tests/snapshot/stored_form.json.
- blocklists/README.md and deploy/reference.toml: its lines; there, two spaces follow its name.
- tests/lists/list_texts.py: a sample, and a line in ``LINES``; tests/lists/obvious_matcher.py: a
  second, slow reader, written from the format's manual. It gets the text in lower case.
Fails until done: tests/lists/test_formats.py, tests/snapshot/test_last_good.py,
tests/laws/test_documents.py.
"""

from collections.abc import Callable
from types import MappingProxyType

from resolver.lists.adblock import AdblockReader
from resolver.lists.list_reader import ListReader, is_null_or_loopback
from resolver.lists.rpz import RpzReader
from resolver.lists.rules import BlockList


class HostsReader(ListReader):
    """Reads a hosts file."""

    def take(self, text: str, line: int) -> str | None:
        """Add a rule for each name of the line."""
        address, *names = text.split()
        nowhere = is_null_or_loopback(address)
        if nowhere is None:
            return "no address at the beginning of the line"
        if not nowhere:
            return "the address leads somewhere: a record, not a block"
        for name in names:
            if reason := self.add(name, line, subtree=False):
                self.skip(line, text, reason)
        return None if names else "no name after the address"


class PlainReader(ListReader):
    """Reads a list whose names mean the name alone."""

    def take(self, text: str, line: int) -> str | None:
        """Add the name."""
        return self.add(text, line, subtree=False)


class SuffixReader(ListReader):
    """Reads a list whose names mean the name and all below."""

    def take(self, text: str, line: int) -> str | None:
        """Add the name and all below it."""
        return self.add(text, line, subtree=True)


class WildcardReader(ListReader):
    """Reads a list of wildcards."""

    def take(self, text: str, line: int) -> str | None:
        """Add the name after ``*.`` and all below it."""
        if not text.startswith("*."):
            return "no '*.' before the name"
        return self.add(text[2:], line, subtree=True)


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
        result = read(start, "", "")
        if len(result.rules) > max(rules, len(result.skipped)):
            best, rules = name, len(result.rules)
    return best
