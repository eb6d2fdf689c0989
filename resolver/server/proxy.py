"""The servers in front that may say for whom they ask, by PROXY headers (``dns.proxy_header``).

A proxied listener takes headers from listed servers only, and no query without one. No other
listener reads headers. The client of a query is then the one that its header names.
"""

from typing import Final

from resolver.dns import proxy_header
from resolver.dns.proxy_header import ProxyHeader
from resolver.policy.compiled import CompiledConfig
from resolver.policy.prefixes import PrefixTable

_MAX_KNOWN: Final = 1024
"""When this many addresses are kept as listed, the next one clears them all."""


class Proxies:
    """The servers in front of a worker."""

    def __init__(self) -> None:
        self._table = PrefixTable(())
        self._known: set[bytes] = set()
        """Addresses that are listed."""

    def follow(self, compiled: CompiledConfig) -> None:
        """Take headers from the servers that this config lists, and from no others."""
        self._table = PrefixTable(compiled.settings.proxies)
        self._known.clear()

    def lists(self, address: bytes) -> bool:
        """Whether a server at this address (as in ``Clients.of``) may send headers."""
        if address in self._known:
            return True
        if not self._table.matches(address[:16]):
            return False
        if len(self._known) >= _MAX_KNOWN:
            self._known.clear()
        self._known.add(address)
        return True

    def header(self, sender: bytes, packet: bytes) -> ProxyHeader | None:
        """The header of a datagram; None if it has no valid one, or if no listed server sent it."""
        return proxy_header.scan(packet) if self.lists(sender) else None
