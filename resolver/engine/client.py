"""The clients of an engine: the data that it keeps for an address over one transport."""

from collections.abc import Callable
from typing import Final

from resolver.dns.query import Profiles
from resolver.policy.compiled import CompiledConfig
from resolver.policy.limits import UNLIMITED, ClientLimit, Limits
from resolver.policy.prefixes import is_link_local
from resolver.policy.view import View, Views

_SCOPE_AT: Final = 16
_MAX_CLIENTS: Final = 65536
"""When a table has this many clients, the next one clears the table."""


class Client:
    """An address with its view, its rate limit, and the query profiles of that view."""

    __slots__ = ("address", "limit", "origin", "profiles", "stream", "view")

    def __init__(
        self, origin: bytes, stream: bool, view: View | None, limit: ClientLimit, profiles: Profiles
    ) -> None:
        self.origin = origin
        """The address, perhaps with its scope, as the transport has it."""
        self.address = origin[:_SCOPE_AT]
        """4 or 16 octets."""
        self.stream = stream
        """Whether its queries come over TCP, where replies may be larger."""
        self.view = view
        """None if the address is in no VLAN."""
        self.limit = limit
        self.profiles = profiles
        """Shared by all clients of the view over this transport."""


class Clients:
    """The clients of a snapshot, by address and transport.

    Those in no VLAN have a table of their own: else they could evict the limits of the others.
    """

    def __init__(
        self, compiled: CompiledConfig, views: Views, interface_name: Callable[[bytes], str]
    ) -> None:
        """``interface_name`` gives the name of the interface with a scope now; it may be empty."""
        rates = [vlan.queries_per_address for vlan in compiled.vlans]
        self._limits = Limits(rates, compiled.settings.queries_per_prefix)
        self._views = views
        self._interface_name = interface_name
        self._datagram: dict[bytes, Client] = {}
        self._stream: dict[bytes, Client] = {}
        self._unknown: dict[bytes, Client] = {}
        self._profiles: dict[tuple[View | None, bool], Profiles] = {}

    def clear(self) -> None:
        """Forget all clients; the limits of their prefixes stay."""
        self._datagram.clear()
        self._stream.clear()
        self._unknown.clear()
        self._profiles.clear()

    def set_time(self, now: float) -> None:
        """Set the time of all limits, in monotonic seconds."""
        self._limits.set_time(now)

    def of(self, origin: bytes, stream: bool) -> Client:
        """The client of an address over a transport.

        ``origin`` is the address (4 or 16 octets; none: a server in front), and after one of IPv6
        perhaps its scope, as a sockaddr_in6 has it: the index of the interface of a link-local
        address, else 0, in 4 octets in the order of this host. With the scope a client is kept
        apart from one with the same address on another link, at no cost.
        """
        client = (self._stream if stream else self._datagram).get(origin)
        return self._new(origin, stream) if client is None else client

    def _new(self, origin: bytes, stream: bool) -> Client:
        """A client in no VLAN, or one that is not kept yet."""
        if not origin:
            return Client(origin, stream, None, UNLIMITED, {})
        key = origin + (b"\x01" if stream else b"")
        client = self._unknown.get(key)
        if client is not None:
            return client
        address, scope = origin[:_SCOPE_AT], origin[_SCOPE_AT:]
        interface = self._interface_name(scope) if is_link_local(address) else ""
        view = self._views.of(address, interface)
        if view is None:
            clients, limit = self._unknown, self._limits.of_unknown(address)
        else:
            clients, key = self._stream if stream else self._datagram, origin
            limit = self._limits.of_client(address, view.vlan, stream)
        if len(clients) >= _MAX_CLIENTS:
            clients.clear()
        profiles = self._profiles.setdefault((view, stream), {})
        client = clients[key] = Client(origin, stream, view, limit, profiles)
        return client
