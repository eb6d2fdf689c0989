"""Between the sockets and the core: a packet comes in, its reply goes out, it is counted.

Both transports hand their packets in here, so that both are served alike. What can be
answered at once is sent before ``take`` returns; the rest when its upstream has answered.
"""

from typing import Any, NamedTuple, Protocol

from resolver.engine.cache import Key
from resolver.engine.engine import Resolver
from resolver.engine.labels import Path
from resolver.engine.transaction import AtOnce, Drop, Forward, Reply, Source
from resolver.metrics.counters import Counters

_CAREFUL = (Reply, Drop)
_new = tuple.__new__
"""Makes a named tuple without the Python function that its name leads to."""


class Edge(Protocol):
    """Where a packet came in, and its reply goes out."""

    def send(self, packet: bytes, to: Any) -> None:  # noqa: ANN401 - what the edge gave with the query
        """Send a reply."""

    def done(self) -> None:
        """Nothing more will be sent for a query."""


class Ticket(NamedTuple):
    """A query that waits for its reply."""

    edge: Edge
    to: Any  # mypyc fails at import with "object" here
    came: float
    """Monotonic seconds."""


class Upstreams(Protocol):
    """Asks upstream servers, and delivers what comes of it."""

    def forward(self, forward: Forward, ticket: Ticket, now: float) -> None:
        """Ask an upstream, and deliver the reply, now or later."""

    def refresh(self, key: Key) -> None:
        """Ask a question anew for the cache, though nobody waits for it."""


class Desk:
    """Where packets are taken in; one a worker."""

    upstreams: Upstreams
    """Set once, before the first packet: upstreams deliver to ``deliver``."""

    def __init__(self, resolver: Resolver, counters: Counters) -> None:
        self._resolver = resolver
        self._counters = counters
        self._cells = counters.cells

    def take(
        self, packet: bytes, source: Source, edge: Edge, to: object, now: float
    ) -> Path | None:
        """Serve one packet; its reply is sent by the edge, ``to`` whom the edge knows.

        Returns how far it had to go if it was answered at once; how long that took is the
        edge's to note.
        """
        result = self._resolver.answer(packet, source, now)
        self.follow(result, edge, to, now)
        return result.tally.path if isinstance(result, Reply) else None

    def follow(self, result: Reply | Forward | Drop, edge: Edge, to: object, now: float) -> None:
        """Carry out what has become of a packet that came ``now``."""
        if isinstance(result, Forward):
            self.upstreams.forward(result, _new(Ticket, (edge, to, now)), now)
        else:
            self._end(edge, to, result)

    def deliver(self, ticket: Ticket, result: AtOnce | Reply | Drop, now: float) -> None:
        """Send what an upstream's answer, which came ``now``, has led to."""
        edge, to, came = ticket
        if isinstance(result, _CAREFUL):
            self._end(edge, to, result)
        else:
            reply, counted = result
            edge.send(reply, to)
            self._cells[counted.cell] += 1
            edge.done()
        self._counters.took(Path.UPSTREAM, now - came)

    def _end(self, edge: Edge, to: object, result: Reply | Drop) -> None:
        if isinstance(result, Reply):
            edge.send(result.packet, to)
        self._counters.count(result.tally)
        edge.done()
        if isinstance(result, Reply) and result.refresh is not None:
            self.upstreams.refresh(result.refresh)
