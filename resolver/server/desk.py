"""Between the sockets and the core: a packet comes in, its reply goes out, it is counted.

Both transports hand their packets in here, so that both are served alike. What can be
answered at once is sent before ``take`` returns; the rest when its upstream has answered.
"""

import asyncio
from collections.abc import Callable

from resolver.query import Drop, Forward, Path, Reply, Resolver, Source
from resolver.telemetry.counters import Counters
from resolver.upstream.forwarder import Forwarder

Send = Callable[[bytes], None]


class Desk:
    """Where packets are taken in; one a worker."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        resolver: Resolver,
        forwarder: Forwarder,
        counters: Counters,
    ) -> None:
        self._loop = loop
        self._resolver = resolver
        self._forwarder = forwarder
        self._counters = counters

    def take(self, packet: bytes, source: Source, send: Send, done: Callable[[], None]) -> None:
        """Serve one packet; ``done`` is called once, when nothing more will be sent for it."""
        came = self._loop.time()
        result = self._resolver.answer(packet, source, came)
        if isinstance(result, Forward):

            def deliver(reply: Reply | Drop) -> None:
                self._end(reply, send, came)
                done()

            self._forwarder.forward(result, deliver)
        else:
            self._end(result, send, came)
            done()

    def _end(self, result: Reply | Drop, send: Send, came: float) -> None:
        if isinstance(result, Reply):
            send(result.packet)
            path: Path = result.tally.path
            self._counters.took(path, self._loop.time() - came)
            if result.refresh is not None:
                self._forwarder.refresh(result.refresh)
        self._counters.count(result.tally)
