"""Who holds the connections of a listening TCP socket, and which of them is closed for a new one.

A connection is counted for its VLAN, for the client's prefix there, and for the client. Where one
has to go, the VLAN that holds most loses it, there the prefix that holds most, there the client
that holds most; of several that hold as many, the one whose connection was inactive for longest. So
no VLAN can take the share of another one, and each may have more than its share until another one
wants it. The same is true of the prefixes of a VLAN, and of the clients of a prefix.

To count a connection takes the same time however many there are; only the choice looks at many.
"""

from collections.abc import Hashable
from typing import Final, Generic, Protocol, TypeVar


class HeldConnection(Protocol):
    """A connection."""

    active: float
    """When it was last active, in monotonic seconds."""


AnyConnection = TypeVar("AnyConnection", bound=HeldConnection)


class Holder(Generic[AnyConnection]):
    """All clients, those of a VLAN, those of a prefix in it, or one client.

    A holder and its parts refer to each other only while the parts hold connections.
    """

    __slots__ = ("_connections", "_key", "_parts", "_within", "held")

    def __init__(self, within: "Holder[AnyConnection] | None" = None, key: Hashable = None) -> None:
        self.held = 0
        """The number of connections, with those of the parts."""
        self._within: Final = within
        self._key: Final = key
        self._parts: dict[Hashable, Holder[AnyConnection]] = {}
        self._connections: dict[AnyConnection, None] = {}
        """Those of no part; the oldest is first."""

    def add(self, connection: AnyConnection, *keys: Hashable) -> "Holder[AnyConnection]":
        """Count a connection for the part of the part (and so on) with these keys: that part."""
        self.held += 1
        if not keys:
            self._connections[connection] = None
            return self
        part = self._parts.get(keys[0])
        if part is None:
            part = self._parts[keys[0]] = Holder(self, keys[0])
        return part.add(connection, *keys[1:])

    def remove(self, connection: AnyConnection) -> None:
        """Count a connection of this part no more, neither here nor in what this is a part of."""
        del self._connections[connection]
        holder: Holder[AnyConnection] | None = self
        while holder is not None:
            holder.held -= 1
            within = holder._within
            if within is not None and not holder.held:
                del within._parts[holder._key]
            holder = within

    def spare(self) -> AnyConnection:
        """The connection to close before all others; there must be one."""
        most: list[Holder[AnyConnection]] = [self]
        while most[0]._parts:  # all parts are divided as often
            most = [part for holder in most for part in holder._largest()]
        return min([each for holder in most for each in holder._connections], key=_active)

    def _largest(self) -> "list[Holder[AnyConnection]]":
        """The parts that hold most."""
        parts = list(self._parts.values())
        if len(parts) == 1:
            return parts
        most = max([part.held for part in parts])
        return [part for part in parts if part.held == most]


def _active(connection: HeldConnection) -> float:
    return connection.active
