"""A client: the data that the engine keeps for an address over one transport."""

from resolver.dns.query import Shapes
from resolver.policy.limits import ClientLimit
from resolver.policy.view import View


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
