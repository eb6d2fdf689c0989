"""The clients of an engine: the data that it keeps for an address over one transport."""

from typing import Final

from resolver.dns.query import Shapes
from resolver.policy.compiled import CompiledConfig
from resolver.policy.limits import UNLIMITED, ClientLimit, Limits
from resolver.policy.view import View, Views

_MAX_CLIENTS: Final = 65536
"""When a table has this many clients, the next one clears the table."""


class Client:
    """An address with its view, its rate limit, and the query shapes of that view."""

    __slots__ = ("address", "limit", "shapes", "stream", "view")

    def __init__(
        self, address: bytes, stream: bool, view: View | None, limit: ClientLimit, shapes: Shapes
    ) -> None:
        self.address = address
        """4 or 16 octets."""
        self.stream = stream
        """Whether its queries come over TCP, where replies may be larger."""
        self.view = view
        """None if the address is in no VLAN."""
        self.limit = limit
        self.shapes = shapes
        """Shared by all clients of the view over this transport."""


class Clients:
    """The clients of a snapshot, by address and transport.

    Those in no VLAN have a table of their own: else they could evict the limits of the others.
    """

    def __init__(self, terms: CompiledConfig, views: Views) -> None:
        rates = [vlan.queries_per_address for vlan in terms.vlans]
        self._limits = Limits(rates, terms.settings.queries_per_prefix)
        self._views = views
        self._datagram: dict[bytes, Client] = {}
        self._stream: dict[bytes, Client] = {}
        self._unknown: dict[bytes, Client] = {}
        self._shapes: dict[tuple[View | None, bool], Shapes] = {}

    def clear(self) -> None:
        """Forget all clients; the limits of their prefixes stay."""
        self._datagram.clear()
        self._stream.clear()
        self._unknown.clear()
        self._shapes.clear()

    def set_time(self, now: float) -> None:
        """Set the time of all limits, in monotonic seconds."""
        self._limits.set_time(now)

    def of(self, address: bytes, stream: bool) -> Client:
        """The client of an address (4 or 16 octets; none: a server in front) over a transport."""
        client = (self._stream if stream else self._datagram).get(address)
        return self._new(address, stream) if client is None else client

    def _new(self, address: bytes, stream: bool) -> Client:
        """A client in no VLAN, or one that is not kept yet."""
        if not address:
            return Client(address, stream, None, UNLIMITED, {})
        key = address + (b"\x01" if stream else b"")
        client = self._unknown.get(key)
        if client is not None:
            return client
        view = self._views.of(address)
        if view is None:
            clients, limit = self._unknown, self._limits.of_unknown(address)
        else:
            clients, key = self._stream if stream else self._datagram, address
            limit = self._limits.of_client(address, view.vlan, stream)
        if len(clients) >= _MAX_CLIENTS:
            clients.clear()
        shapes = self._shapes.setdefault((view, stream), {})
        client = clients[key] = Client(address, stream, view, limit, shapes)
        return client
