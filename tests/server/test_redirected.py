"""Redirected listeners: each query counts for its VLAN, and is answered as elsewhere."""

import asyncio
import socket
from collections.abc import Callable

import pytest
from dnslib import DNSRecord

from resolver.metrics.counter_sums import CounterSums
from resolver.server.tcp import TcpServer
from resolver.server.udp import UdpServer
from resolver.transport.loop import Loop
from tests.server.assembled import Assembled
from tests.server.datagrams import bound
from tests.server.framed_messages import messages

HERE, THERE = "127.0.0.5", "127.0.9.5"
"""Clients of two VLANs."""
QUERIES = ["denied.example.", "denied.example.", "a.denied.example."]


def counted(assembled: Assembled) -> dict[str, int]:
    """The redirected queries by VLAN."""
    sums = CounterSums(assembled.layout, [assembled.counters.cells])
    return {vlan: queries for vlan, queries in sums.redirected.items() if queries}


def over_udp(client: str, *, is_redirected: bool) -> tuple[list[str], dict[str, int]]:
    """The rcodes that a client gets over UDP, and what was counted."""
    loop = Loop()

    async def play() -> tuple[list[str], dict[str, int]]:
        with bound("127.0.0.1") as listening, bound(client) as asking:
            made = Assembled(loop)
            given = (loop, listening, made.handler, made.counters)
            UdpServer(*given, is_redirected=is_redirected).start()
            for name in QUERIES:
                asking.sendto(DNSRecord.question(name).pack(), listening.getsockname())
            packets = [await asyncio.wait_for(loop.sock_recv(asking, 4096), 30) for _ in QUERIES]
        return [DNSRecord.parse(packet).short() for packet in packets], counted(made)

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(play())


def over_tcp(client: str, *, is_redirected: bool) -> tuple[list[str], dict[str, int]]:
    """The same on one connection."""
    loop = Loop()

    async def play() -> tuple[list[str], dict[str, int]]:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            made = Assembled(loop)
            given = (loop, listening, made.handler, made.counters)
            TcpServer(*given, is_redirected=is_redirected).start()
            where = listening.getsockname()
            reader, writer = await asyncio.open_connection(*where, local_addr=(client, 0))
            writer.write(messages(QUERIES))
            replies = []
            for _ in QUERIES:
                size = int.from_bytes(await reader.readexactly(2), "big")
                replies.append(DNSRecord.parse(await reader.readexactly(size)).short())
            writer.close()
        return replies, counted(made)

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(play())


@pytest.mark.parametrize("asked", [over_udp, over_tcp])
def test_a_redirected_query_counts_for_its_vlan_and_is_answered_as_elsewhere(
    asked: Callable[..., tuple[list[str], dict[str, int]]],
) -> None:
    for client, vlan in ((HERE, "here"), (THERE, "there")):
        replies, counts = asked(client, is_redirected=True)
        assert counts == {vlan: len(QUERIES)}
        assert asked(client, is_redirected=False) == (replies, {})
