"""Unbound's ``local-zone`` and ``local-data``, as its configuration files have them.

A zone covers its name and all below it; the types that answer nothing are blocks. A zone of
the type ``redirect`` answers with the data at its name: it is a block where that is an address
that leads nowhere. ``local-data`` by itself covers its name alone.
"""

import re

from resolver.lists.reading import RuleCollector, leads_nowhere, text_lines
from resolver.lists.rules import BlockList

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
_REDIRECTING = {"redirect", "inform_redirect"}


def read(text: str, service: str, file: str) -> BlockList:
    """Read a whole configuration file."""
    reading = _Reading()
    for line, said in text_lines(text):
        if said in _FRAME:
            continue
        if zone := _ZONE.fullmatch(said):
            reason = reading.zone(zone[1], zone[2], line, said)
        elif data := _DATA.fullmatch(said):
            reason = reading.data(data[1], data[3], line)
        else:
            reason = "neither a local-zone nor an address as local-data"
        if reason:
            reading.skip(line, said, reason)
    reading.end()
    return reading.block_list(service, file)


class _Reading(RuleCollector):
    def __init__(self) -> None:
        super().__init__()
        self._redirecting: dict[str, tuple[int, str]] = {}
        """Zones of which no data has been seen yet, by name: their lines."""

    def zone(self, name: str, kind: str, line: int, said: str) -> str | None:
        if kind in _BLOCKING:
            return self.read(name, line, subtree=True)
        if kind not in _REDIRECTING:
            return f"a zone of the type '{kind}' is not a block"
        self._redirecting[_plain(name)] = (line, said)
        return None

    def data(self, name: str, address: str, line: int) -> str | None:
        if not leads_nowhere(address):
            return "the address leads somewhere: a record, not a block"
        redirecting = self._redirecting.pop(_plain(name), None)
        if redirecting is not None:
            return self.read(name, redirecting[0], subtree=True)
        return self.read(name, line, subtree=False)

    def end(self) -> None:
        for line, said in self._redirecting.values():
            self.skip(line, said, "redirects to no address that leads nowhere")


def _plain(name: str) -> str:
    return name.lower().rstrip(".")
