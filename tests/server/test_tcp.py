"""The TCP edge: many queries a connection, each with its full time, and all answered."""

import asyncio
import contextlib
import gc
import math
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from dnslib import DNSRecord

from resolver.engine.engine import Engine
from resolver.server.tcp import MAX_CONNECTIONS, MAX_OUTSTANDING, Connection, TcpServer
from resolver.transport.loop import Loop
from tests.live.uncollected import uncollected
from tests.server.assembled import Assembled
from tests.server.framed_messages import messages
from tests.server.slow_upstream import SlowUpstream
from tests.upstream.virtual_time import run


class Served:
    """A TCP server, its upstream, and a client's connection."""

    def __init__(
        self,
        address: tuple[str, int],
        engine: Engine,
        upstream: SlowUpstream,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.address = address
        self.engine = engine
        self.upstream = upstream
        self.reader = reader
        self.writer = writer

    def ask(self, names: list[str]) -> None:
        self.writer.write(messages(names))

    async def replies(self, count: int) -> list[str]:
        found = []
        for _ in range(count):
            size = int.from_bytes(await self.reader.readexactly(2), "big")
            reply = DNSRecord.parse(await self.reader.readexactly(size))
            found.append(f"{reply.q.qname} {reply.short()}")
        return sorted(found)


@asynccontextmanager
async def served(loop: Loop, address: str) -> AsyncIterator[Served]:
    upstream = await SlowUpstream.started(loop, 0.5)
    assembled = Assembled(loop, {"upstream": upstream.server})
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.bind((address, 0))
    tcp = TcpServer(loop, listening, assembled.handler, assembled.counters)
    tcp.start()
    where = listening.getsockname()[:2]
    on = Served(where, assembled.engine, upstream, *await asyncio.open_connection(*where))
    try:
        yield on
    finally:
        on.writer.close()
        listening.close()
        await asyncio.sleep(10)  # so that the connection has idled out where it is still open
        upstream.close()
        assembled.forwarder.sweep(loop.time())
        assert not assembled.forwarder.busy


NAMES = [f"n{number:03}.example." for number in range(MAX_OUTSTANDING + 50)]
ANSWERS = [f"{name} 192.0.2.1" for name in NAMES]


@pytest.mark.parametrize("address", ["127.0.0.1", pytest.param("::1", marks=pytest.mark.ipv6)])
def test_what_waits_unread_has_its_full_time_when_it_is_asked(address: str) -> None:
    """More than may be under way: the others are taken up when the first are answered."""

    async def play(loop: Loop) -> None:
        async with served(loop, address) as on:
            on.ask(NAMES)
            assert await on.replies(len(NAMES)) == ANSWERS
            assert sorted(on.upstream.asked) == NAMES

    run(play)


def test_who_has_said_all_is_still_answered_all() -> None:
    async def play(loop: Loop) -> None:
        async with served(loop, "127.0.0.1") as on:
            on.ask(NAMES)
            on.writer.write_eof()
            assert await on.replies(len(NAMES)) == ANSWERS
            assert await on.reader.read() == b""

    run(play)


def test_who_has_said_all_and_half_a_message_is_answered_the_rest() -> None:
    async def play(loop: Loop) -> None:
        async with served(loop, "127.0.0.1") as on:
            on.ask([*NAMES[:3], "localhost."])
            on.writer.write(b"\x00\x20half")
            on.writer.write_eof()
            assert await on.replies(4) == ["localhost. 127.0.0.1", *ANSWERS[:3]]
            assert await on.reader.read() == b""

    run(play)


def test_a_connection_that_has_ended_is_freed_without_a_look_for_cycles() -> None:
    """Workers look for cycles among their youngest objects only."""

    async def play(loop: Loop) -> None:
        async with served(loop, "127.0.0.1") as on:
            on.ask([*NAMES[:3], "localhost."])
            await on.replies(4)
            assert alive() == 1
        await asyncio.sleep(1)
        assert alive() == 0

    with uncollected():
        run(play)


def alive() -> int:
    return sum(isinstance(thing, Connection) for thing in gc.get_objects())


def test_replies_that_wait_for_nobody_come_before_those_that_do() -> None:
    async def play(loop: Loop) -> None:
        async with served(loop, "127.0.0.1") as on:
            on.ask([NAMES[0], "denied.example.", "localhost."])
            assert await on.replies(2) == ["denied.example. 0.0.0.0", "localhost. 127.0.0.1"]
            began = loop.time()
            assert await on.replies(1) == ANSWERS[:1]
            assert loop.time() > began

    run(play)


def test_what_has_begun_since_the_last_query_is_in_force_for_the_next() -> None:
    async def play(loop: Loop) -> None:
        async with served(loop, "127.0.0.1") as on:
            on.engine.changes_at = loop.time()
            on.ask(["localhost."])
            await on.replies(1)
            assert on.engine.changes_at == math.inf

    run(play)


def test_a_vlan_with_all_connections_leaves_another_vlan_its_share() -> None:
    """All connections wait for replies; those that are closed take no reply of the others."""

    async def play(loop: Loop) -> None:
        async with served(loop, "127.0.0.1") as on:
            with contextlib.ExitStack() as stack:

                def asking(client: str, names: list[str]) -> socket.socket:
                    made = socket.create_connection(on.address, source_address=(client, 0))
                    made.sendall(messages(names))
                    made.setblocking(False)
                    return stack.enter_context(made)

                crowd = [
                    asking(f"127.0.0.{2 + n % 5}", [NAMES[n % len(NAMES)]])
                    for n in range(1, MAX_CONNECTIONS)
                ]
                await asyncio.sleep(0.1)
                others = [asking("127.0.9.5", ["localhost.", NAMES[0]]) for _ in range(3)]
                await asyncio.sleep(1)
                assert [_answers(other) for other in others] == [["127.0.0.1", "192.0.2.1"]] * 3
                answers = [_answers(item) for item in crowd]
                assert answers.count(["192.0.2.1"]) == MAX_CONNECTIONS - 4
                assert answers.count([]) == 3

    run(play)


def _answers(asking: socket.socket) -> list[str]:
    """What has come on a connection."""
    found = []
    with contextlib.suppress(ConnectionResetError, BlockingIOError):
        octets = asking.recv(65536)
        while octets:
            end = 2 + int.from_bytes(octets[:2], "big")
            found.append(str(DNSRecord.parse(octets[2:end]).short()))
            octets = octets[end:]
    return found
