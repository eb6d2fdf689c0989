"""Hosts files: an address, and the names that have it.

``0.0.0.0 ads.example`` blocks that name alone. Only addresses at which no host can be reached
block; a line that gives a name any other address is a record, not a block.
"""

from resolver.lists.list_reader import ListReader, is_null_or_loopback


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
