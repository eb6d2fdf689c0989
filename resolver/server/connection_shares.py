"""The connections of a listening TCP socket by client, and which is closed for a new one.

A connection is counted for its VLAN, for the client's prefix there, and for the client. Where one
has to go, the VLAN that has most loses it, there the prefix that has most, there the client that
has most; of several that have as many, the one whose connection was inactive for longest. So no
VLAN can take the share of another one, and each may have more than its share until another one
wants it. The same is true of the prefixes of a VLAN, and of the clients of a prefix.

To count a connection takes the same time however many there are; only the choice looks at many.
"""

from collections.abc import Hashable
from typing import Final, Generic, Protocol, TypeVar


class CountedConnection(Protocol):
    """A connection."""

    active: float
    """When it was last active, in monotonic seconds."""


AnyConnection = TypeVar("AnyConnection", bound=CountedConnection)


class ConnectionShare(Generic[AnyConnection]):
    """The connections of all clients, of a VLAN, of a prefix in it, or of one client.

    A share and its parts refer to each other only while the parts have connections.
    """

    __slots__ = ("_connections", "_key", "_parts", "_within", "count")

    def __init__(
        self, within: "ConnectionShare[AnyConnection] | None" = None, key: Hashable = None
    ) -> None:
        self.count = 0
        """The number of connections, with those of the parts."""
        self._within: Final = within
        self._key: Final = key
        self._parts: dict[Hashable, ConnectionShare[AnyConnection]] = {}
        self._connections: dict[AnyConnection, None] = {}
        """Those of no part; the oldest is first."""

    def add(self, connection: AnyConnection, *keys: Hashable) -> "ConnectionShare[AnyConnection]":
        """Count a connection for the part of the part (and so on) with these keys: that part."""
        self.count += 1
        if not keys:
            self._connections[connection] = None
            return self
        part = self._parts.get(keys[0])
        if part is None:
            part = self._parts[keys[0]] = ConnectionShare(self, keys[0])
        return part.add(connection, *keys[1:])

    def remove(self, connection: AnyConnection) -> None:
        """Count a connection of this part no more, neither here nor in what this is a part of."""
        del self._connections[connection]
        share: ConnectionShare[AnyConnection] | None = self
        while share is not None:
            share.count -= 1
            within = share._within
            if within is not None and not share.count:
                del within._parts[share._key]
            share = within

    def eviction_candidate(self) -> AnyConnection:
        """The connection to close before all others; there must be one."""
        most: list[ConnectionShare[AnyConnection]] = [self]
        while most[0]._parts:  # all parts are divided as often
            most = [part for share in most for part in share._largest()]
        return min([connection for share in most for connection in share._connections], key=_active)

    def _largest(self) -> "list[ConnectionShare[AnyConnection]]":
        """The parts that have most."""
        parts = list(self._parts.values())
        if len(parts) == 1:
            return parts
        most = max([part.count for part in parts])
        return [part for part in parts if part.count == most]


def _active(connection: CountedConnection) -> float:
    return connection.active
