"""Unbound's ``local-zone`` and ``local-data``, as its configuration files have them.

A zone covers its name and all below it; the types that give no answer are blocks. A zone of
the type ``redirect`` answers with the data at its name: it is a block where that is an address
at which no host can be reached. ``local-data`` by itself covers its name alone. The most specific
zone decides; one whose type has names resolved as usual is an exception.
"""

import re

from resolver.lists.list_reader import ListReader, is_null_or_loopback

_ZONE = re.compile(r"""local-zone:\s*["']?([^\s"']+)["']?\s+["']?([a-z_]+)["']?""")
_DATA = re.compile(
    r"""local-data:\s*["']([^\s"']+)\s+(?:[0-9]+\s+)?(?:IN\s+)?(A|AAAA)\s+(\S+?)["']""",
    re.IGNORECASE,
)
_FRAME = ("server:",)
_BLOCKING = {
    *("refuse", "static", "deny", "inform_deny"),
    *("always_refuse", "always_nxdomain", "always_nodata", "always_deny", "always_null"),
}
_RESOLVING = {"transparent", "typetransparent", "always_transparent", "inform"}
_REDIRECTING = {"redirect", "inform_redirect"}


class UnboundReader(ListReader):
    """Reads a configuration file of Unbound."""

    longest_match = True

    def __init__(self) -> None:
        super().__init__()
        self._redirecting: dict[str, tuple[int, str]] = {}
        """Redirecting zones without data so far, by name: line and text."""

    def take(self, text: str, line: int) -> str | None:
        """Add the rule of a zone or of data."""
        if text in _FRAME:
            return None
        if zone := _ZONE.fullmatch(text):
            return self._zone(zone[1], zone[2], line, text)
        if data := _DATA.fullmatch(text):
            return self._data(data[1], data[3], line)
        return "neither a local-zone nor an address as local-data"

    def _zone(self, name: str, kind: str, line: int, text: str) -> str | None:
        if kind in _BLOCKING or kind in _RESOLVING:
            return self.add(name, line, subtree=True, exception=kind in _RESOLVING)
        if kind not in _REDIRECTING:
            return f"a zone of the type '{kind}' is not a block"
        self._redirecting[_plain(name)] = (line, text)
        return None

    def _data(self, name: str, address: str, line: int) -> str | None:
        if not is_null_or_loopback(address):
            return "the address leads somewhere: a record, not a block"
        redirecting = self._redirecting.pop(_plain(name), None)
        if redirecting is not None:
            return self.add(name, redirecting[0], subtree=True)
        return self.add(name, line, subtree=False)

    def end(self) -> None:
        """Skip the redirecting zones that had no data."""
        for line, text in self._redirecting.values():
            self.skip(line, text, "redirects to no address that leads nowhere")


def _plain(name: str) -> str:
    return name.lower().rstrip(".")
