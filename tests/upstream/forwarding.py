"""A forwarder between a client and a name server, on a virtual clock."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from dnslib import RR, DNSRecord

from resolver.dns.transport import UDP
from resolver.exchange.servers import Group, Server
from resolver.policy.filter_addresses import FilterAddresses
from resolver.transport.loop import Loop
from resolver.upstream.forwarder import TICK
from resolver.upstream.server_address import ServerAddress
from tests.live.ports import free_port
from tests.server.assembled import Assembled, server_at

CLIENT = bytes((127, 0, 0, 1))
ELSEWHERE = bytes((127, 0, 9, 1))
"""A client of another VLAN."""
Answering = Callable[[DNSRecord], "bytes | None"]
RACE = 0.08
"""Seconds by which one answer comes before the other."""


def silent(query: DNSRecord) -> None:  # noqa: ARG001 - as it is called
    return None


class Upstream:
    """A name server; ``answering`` gives its response to a query, or None."""

    def __init__(self, loop: Loop, answering: Answering) -> None:
        self._loop = loop
        self.answering = answering
        self.delay = 0.0
        """Seconds before a response is sent."""
        self.second: Answering = silent
        """Its second response to a query, if any, ``RACE`` seconds after the first."""
        self.asked: list[tuple[float, str]] = []
        """When it was asked for which name."""
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", free_port()))  # tests listen there for TCP as well
        self.socket.setblocking(False)
        loop.add_reader(self.socket.fileno(), self._readable)

    @property
    def server(self) -> Server:
        return server_at(self.socket.getsockname())

    def _readable(self) -> None:
        packet, whose = self.socket.recvfrom(4096)
        query = DNSRecord.parse(packet)
        self.asked.append((self._loop.time(), str(query.q.qname)))
        response = self.answering(query)
        if response is not None:
            self._loop.call_later(self.delay, self._send, response, whose)
        second = self.second(query)
        if second is not None:
            self._loop.call_later(self.delay + RACE, self._send, second, whose)

    def _send(self, response: bytes, whose: tuple[str, int]) -> None:
        if self.socket.fileno() >= 0:
            self.socket.sendto(response, whose)

    def close(self) -> None:
        self._loop.remove_reader(self.socket.fileno())
        self.socket.close()


def address_of(upstream: Upstream) -> ServerAddress:
    """Its address, as the supervisor's probes have it."""
    address, port = upstream.socket.getsockname()
    return ServerAddress(
        name="upstream",
        address=address,
        port=port,
        ad_trusted=False,
        source_address="",
        wrong=False,
        tls_name="",
        authorities="",
    )


class Client:
    """It asks, and notes what it is sent."""

    def __init__(self, loop: Loop, assembled: Assembled) -> None:
        self._loop = loop
        self._assembled = assembled
        self.replies: list[tuple[float, DNSRecord]] = []
        self.done_with = 0

    def ask(self, name: str, client: bytes = CLIENT) -> None:
        packet = bytes(DNSRecord.question(name).pack())
        engine, handler = self._assembled.engine, self._assembled.handler
        now = self._loop.time()
        reply = handler.handle(packet, engine.clients.of(client, UDP), self, name, now)
        if reply is not None:
            self.send(reply, name, now)

    def destination(self, to: object) -> object:
        return to

    def send(self, packet: bytes, to: object, received: float) -> None:
        assert received <= self._loop.time()
        record = DNSRecord.parse(packet)
        assert str(record.q.qname) == to
        self.replies.append((self._loop.time(), record))
        self.done()

    def done(self) -> None:
        self.done_with += 1


class Stage:
    """An upstream, the parts of a worker, and a client."""

    def __init__(
        self, loop: Loop, answering: Answering, of_filter: FilterAddresses | None = None
    ) -> None:
        self.loop = loop
        self.upstream = Upstream(loop, answering)
        self.assembled = Assembled(loop, {"upstream": self.upstream.server})
        group = Group("", [self.upstream.server], filter_addresses=of_filter)
        self.assembled.forwarder.use({"": group})
        self.client = Client(loop, self.assembled)

    async def until_idle(self) -> None:
        while self.assembled.forwarder.busy:
            await asyncio.sleep(TICK)

    def close(self) -> None:
        self.upstream.close()
        self.assembled.forwarder.sweep(self.loop.time() + 60)


@contextmanager
def stage(
    loop: Loop, answering: Answering, of_filter: FilterAddresses | None = None
) -> Iterator[Stage]:
    made = Stage(loop, answering, of_filter)
    try:
        yield made
    finally:
        made.close()


def good(query: DNSRecord) -> bytes:
    response = query.reply()
    response.add_answer(*RR.fromZone(f"{query.q.qname} 60 A 192.0.2.1"))
    return bytes(response.pack())


def truncated(query: DNSRecord) -> bytes:
    response = query.reply()
    response.header.tc = 1
    return bytes(response.pack())


Connected = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answering_one(answering: Callable[[DNSRecord], bytes]) -> Connected:
    """Answers the first query of a connection, whatever else was asked on it, and closes it."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        packet = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
        response = answering(DNSRecord.parse(packet))
        writer.write(len(response).to_bytes(2, "big") + response)
        writer.close()

    return answer


answer_one_and_close = answering_one(good)
