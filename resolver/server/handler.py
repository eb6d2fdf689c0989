"""Between the transports and the engine: a packet comes in, its reply goes out, it is counted.

Every transport hands its packets in here and counts nothing itself. What is answered at once
is returned, and the transport sends it; the rest goes to the upstreams, which deliver it here.
"""

from typing import Protocol

from resolver.engine.client import Client
from resolver.engine.engine import Engine
from resolver.engine.question import UpstreamQuestion
from resolver.engine.result import PendingReply, Reply, ReplySender
from resolver.metrics.counters import Counters
from resolver.metrics.log import log


class Upstreams(Protocol):
    """Asks upstream servers, and delivers what comes of it."""

    def forward(self, pending: PendingReply, now: float) -> None:
        """Ask an upstream, and deliver the reply, now or later."""

    def refresh(self, question: UpstreamQuestion) -> None:
        """Ask a question anew for the cache, though nobody waits for it."""


class QueryHandler:
    """Where packets are handed in; one a worker."""

    upstreams: Upstreams
    """Set once, before the first packet; they call ``deliver``."""

    def __init__(self, engine: Engine, counters: Counters) -> None:
        self.engine = engine
        self._counters = counters
        self._cells = counters.cells

    def handle(
        self, packet: bytes, client: Client, sender: ReplySender, to: object, received: float
    ) -> bytes | None:
        """Answer one packet that came at ``received``: the reply, or None.

        Without a reply here there is none, or the sender sends it later, ``to`` whom the sender
        knows. A fault of ours costs its own query, not the replies to others.
        """
        try:
            result = self.engine.answer(client, packet, received)
            if isinstance(result, Reply):
                self._cells[result.counter.index] += 1
                if result.refresh is not None:
                    self.upstreams.refresh(result.refresh)
                return result.packet
            if isinstance(result, PendingReply):
                result.sender, result.to = sender, to
                self.upstreams.forward(result, received)
                return None
            self._cells[result.counter.index] += 1
        except Exception:
            log.exception("a query could not be handled")
            self._cells[self.engine.dropped(client.view).counter.index] += 1
        sender.done()
        return None

    def deliver(self, pending: PendingReply, reply: Reply) -> None:
        """Send and count the reply to a query that has waited for an upstream."""
        sender = pending.sender
        assert sender is not None, "the query came over a transport"
        sender.send(reply.packet, pending.to, pending.received)
        self._cells[reply.counter.index] += 1
        sender.done()
