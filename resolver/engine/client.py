"""The clients of an engine: the data that it keeps for an address over one transport."""

from collections.abc import Callable
from typing import Final

from resolver.dns.query import Profiles
from resolver.dns.transport import UDP, Transport
from resolver.engine.last_queries import MAX_ADDRESSES, LastQueries, LastQuery
from resolver.engine.limits import UNLIMITED, ClientLimit, Limits
from resolver.policy.compiled import CompiledConfig
from resolver.policy.prefixes import is_link_local
from resolver.policy.view import View, Views

_SCOPE_AT: Final = 16


class Client:
    """An address with its view, its rate limit, and the query profiles of that view."""

    __slots__ = ("address", "last_query", "limit", "origin", "profiles", "transport", "view")

    def __init__(
        self,
        origin: bytes,
        transport: Transport,
        view: View | None,
        limit: ClientLimit,
        profiles: Profiles,
        last_query: LastQuery,
    ) -> None:
        self.origin = origin
        """The address, perhaps with its scope, as the transport has it."""
        self.address = origin[:_SCOPE_AT]
        """4 or 16 octets."""
        self.transport = transport
        """What its queries come over."""
        self.view = view
        """None if the address is in no VLAN."""
        self.limit = limit
        self.profiles = profiles
        """Shared by all clients of the view over this transport."""
        self.last_query = last_query
        """Shared by all clients with this address."""


class Clients:
    """The clients of a snapshot, by address and transport.

    Those in no VLAN have a table of their own: else they could evict the limits of the others.
    """

    def __init__(
        self,
        compiled: CompiledConfig,
        views: Views,
        interface_name: Callable[[bytes], str],
        last_queries: tuple[LastQueries, LastQueries],
    ) -> None:
        """``interface_name`` gives the name of the interface with a scope now; it may be empty.

        ``last_queries`` are those of addresses in no VLAN, and in one.
        """
        rates = [vlan.queries_per_address for vlan in compiled.vlans]
        self._limits = Limits(rates, compiled.settings.queries_per_prefix)
        self._views = views
        self._interface_name = interface_name
        self._last_queries = last_queries
        self._known: tuple[dict[bytes, Client], ...] = tuple([{} for _ in Transport])
        """By transport."""
        self._unknown: dict[bytes, Client] = {}
        self._profiles: dict[tuple[View | None, Transport], Profiles] = {}

    def clear(self) -> None:
        """Forget all clients; the limits of their prefixes stay."""
        for known in self._known:
            known.clear()
        self._unknown.clear()
        self._profiles.clear()

    def set_time(self, now: float) -> None:
        """Set the time of all limits, in monotonic seconds."""
        self._limits.set_time(now)

    def of(self, origin: bytes, transport: Transport) -> Client:
        """The client of an address over a transport.

        ``origin`` is the address (4 or 16 octets; none: a server in front), and after one of IPv6
        perhaps its scope, as a sockaddr_in6 has it: the index of the interface of a link-local
        address, else 0, in 4 octets in the order of this host. With the scope a client is kept
        apart from one with the same address on another link, at no cost.
        """
        client = self._known[transport].get(origin)
        return self._new(origin, transport) if client is None else client

    def _new(self, origin: bytes, transport: Transport) -> Client:
        """A client in no VLAN, or one that is not kept yet."""
        if not origin:
            return Client(origin, transport, None, UNLIMITED, {}, LastQuery())
        key = origin + transport.to_bytes(1, "big")
        client = self._unknown.get(key)
        if client is not None:
            return client
        address, scope = origin[:_SCOPE_AT], origin[_SCOPE_AT:]
        with_scope = is_link_local(address)
        interface = self._interface_name(scope) if with_scope else ""
        view = self._views.of(address, interface)
        if view is None:
            clients, limit = self._unknown, self._limits.of_unknown(address)
        else:
            clients, key = self._known[transport], origin
            limit = self._limits.of_client(address, view.vlan, transport is not UDP)
        last_queries = self._last_queries[view is not None]
        asking = origin if with_scope else address
        if len(clients) >= MAX_ADDRESSES or not last_queries.has_room(asking):
            last_queries.clear()
            for table in (self._unknown,) if view is None else self._known:
                table.clear()
        profiles = self._profiles.setdefault((view, transport), {})
        last_query = last_queries.of(asking)
        client = clients[key] = Client(origin, transport, view, limit, profiles, last_query)
        return client
