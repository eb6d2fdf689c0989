"""Between transports and engine: answer a packet, forward it, and count it.

Every transport gives its packets to ``QueryHandler`` and counts none itself. The handler returns
a reply that does not wait for an upstream, and the transport sends it. It gives other queries to
the upstreams, which deliver the replies to the handler.
"""

import time
from typing import Final, Protocol

from resolver.engine.client import Client
from resolver.engine.engine import Engine
from resolver.engine.result import PendingReply, Reply, ReplySender
from resolver.exchange.question import UpstreamQuestion
from resolver.metrics.counters import Counters
from resolver.system.log import log

_wall: Final = time.time


class Upstreams(Protocol):
    """Forwards queries to upstream servers, and delivers the replies."""

    def forward(self, pending: PendingReply, now: float) -> None:
        """Forward a query, and deliver its reply, now or later."""

    def refresh(self, question: UpstreamQuestion) -> None:
        """Ask a question again for the cache; no reply waits for it."""


class QueryHandler:
    """Handles the packets of all transports of a worker."""

    upstreams: Upstreams
    """Set before the first packet. It calls ``deliver``."""

    def __init__(self, engine: Engine, counters: Counters) -> None:
        self.engine = engine
        self._counters = counters
        self._cells = counters.cells

    def begin(self, received: float) -> None:
        """Begin and end exemptions and hours by now, before the clients of packets are found.

        ``received`` is when the packets were received, in monotonic seconds.
        """
        if received >= self.engine.changes_at:
            self.engine.advance(_wall(), received)

    def handle(
        self, packet: bytes, client: Client, sender: ReplySender, to: object, received: float
    ) -> bytes | None:
        """Answer one packet, received at ``received`` (monotonic seconds): the reply, or None.

        After None, either there is no reply, or ``sender`` sends it later; ``to`` identifies the
        client for the sender. An exception drops this query only.
        """
        try:
            result = self.engine.answer(client, packet, received)
            if isinstance(result, Reply):
                self._cells[result.counter.index] += 1
                if result.refresh is not None:
                    self.upstreams.refresh(result.refresh)
                return result.packet
            if isinstance(result, PendingReply):
                result.sender, result.to = sender, sender.destination(to)
                self.upstreams.forward(result, received)
                return None
            self._cells[result.counter.index] += 1
        except Exception:
            log.exception("a query could not be handled")
            self._cells[self.engine.dropped(client).counter.index] += 1
        sender.done()
        return None

    def note_redirected(self, client: Client) -> None:
        """Count a query that a gateway has redirected to this server."""
        self._counters.redirected(-1 if client.view is None else client.view.vlan)

    def deliver(self, pending: PendingReply, reply: Reply) -> None:
        """Send and count a reply that has waited for an upstream."""
        sender = pending.sender
        assert sender is not None, "a transport sets the sender"
        sender.send(reply.packet, pending.to, pending.received)
        self._cells[reply.counter.index] += 1
