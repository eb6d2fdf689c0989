"""dnsmasq's options, as its configuration files have them.

Each covers the names between its slashes and all below them. ``server=/name/`` and
``local=/name/`` block (no server is asked: no such name), as do ``address=/name/`` (no such
name) and ``address=`` with an address at which no host can be reached. ``server=/name/#`` sends
a name to the usual servers though a name above it is blocked: an exception. The longest match
decides: a name below an exception can be blocked again.
"""

from resolver.lists.list_reader import ListReader, is_null_or_loopback

_NULL = "#"


class DnsmasqReader(ListReader):
    """Reads a configuration file of dnsmasq."""

    longest_match = True

    def content(self, line: str) -> str:
        """The line; '#' begins a comment only at the beginning of a line or after a space."""
        content = line.replace("\t", " ").partition(" #")[0].strip()
        return "" if content.startswith("#") else content

    def take(self, text: str, line: int) -> str | None:
        """Add a rule for each name of an option."""
        option, _, value = text.partition("=")
        option = option.strip().removeprefix("--")
        if option not in ("server", "local", "address"):
            return f"no option that blocks: '{option}'"
        before, *names, target = value.strip().split("/") if "/" in value else ("", "")
        target = target.strip()
        if before or not names:
            return "no name between slashes"
        exception = option != "address" and target == _NULL
        if target and not exception:
            if option != "address":
                return "names another server to ask: not a block"
            if target != _NULL and not is_null_or_loopback(target):
                return "the address leads somewhere: a record, not a block"
        for name in names:
            zone = name.removeprefix(".")  # a dot before the name changes nothing
            if reason := self.add(zone, line, subtree=True, exception=exception):
                self.skip(line, text, reason)
        return None
