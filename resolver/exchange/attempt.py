"""An attempt of an exchange: one query to one server."""

from resolver.exchange.servers import Server


class Attempt:
    """A query to send to a server, and the time of the next attempt."""

    __slots__ = (
        "began",
        "is_probe",
        "message",
        "own_socket",
        "progress_at",
        "server",
        "stream",
        "until",
    )

    def __init__(
        self,
        server: Server,
        stream: bool,
        message: bytes,
        began: float,
        until: float,
        own_socket: bool = False,
        is_probe: bool = False,
    ) -> None:
        self.server = server
        self.stream = stream
        """Whether to send it over TCP, or over TLS where its server has that."""
        self.message = message
        """The query without its ID."""
        self.began = began
        """In monotonic seconds, as ``until``."""
        self.until = until
        """The time of the next attempt, if there is no answer and no more time."""
        self.own_socket = own_socket
        """Whether to send it from a port, or over a connection, on which no other query waits."""
        self.progress_at = 0.0
        """When its connection last received anything, which the driver says, or was made."""
        self.is_probe = is_probe
        """Whether its answer only says that its server answers."""
