"""Lists of bare names, one a line, in the three meanings that such lists have.

- ``plain``: the name alone, as Pi-hole and AdGuard Home read such a list.
- ``suffix``: the name and all below it, as squidGuard reads its domains.
- ``wildcard``: ``*.name``, which for the resolvers that use such lists (dnscrypt-proxy, YogaDNS)
  is the name and all below it.

Only the config can say which of the first two a file is.
"""

from resolver.lists.list_reader import ListReader


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
