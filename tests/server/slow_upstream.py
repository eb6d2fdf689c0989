"""An upstream that takes its time, by the loop's own clock."""

import asyncio

from dnslib import RR, DNSRecord

from resolver.exchange.servers import Server
from tests.server.assembled import server_at


class SlowUpstream(asyncio.DatagramProtocol):
    """It answers each query with an address, after a while."""

    def __init__(self, loop: asyncio.AbstractEventLoop, takes: float) -> None:
        """``takes`` is in seconds."""
        self._loop = loop
        self._takes = takes
        self.asked: list[str] = []

    @classmethod
    async def started(cls, loop: asyncio.AbstractEventLoop, takes: float) -> "SlowUpstream":
        _, made = await loop.create_datagram_endpoint(
            lambda: cls(loop, takes), local_addr=("127.0.0.1", 0)
        )
        return made

    @property
    def server(self) -> Server:
        return server_at(self._transport.get_extra_info("sockname"))

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = DNSRecord.parse(data)
        self.asked.append(str(query.q.qname))
        response = query.reply()
        response.add_answer(*RR.fromZone(f"{query.q.qname} 60 A 192.0.2.1"))
        self._loop.call_later(self._takes, self._transport.sendto, bytes(response.pack()), addr)

    def close(self) -> None:
        self._transport.close()
