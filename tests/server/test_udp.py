"""The UDP edge: every reply goes to who asked, from where it was asked, whatever the socket."""

import asyncio
import math

import pytest
from dnslib import DNSRecord

from resolver.server.udp import UdpServer
from resolver.transport.loop import Loop
from resolver.transport.mmsg import SLOTS
from resolver.upstream.udp_sockets import LIFE
from tests.server.assembled import Assembled
from tests.server.datagrams import bound, query
from tests.server.slow_upstream import SlowUpstream

ADDRESSES = [
    ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
    pytest.param("::1", "::1", "::1", marks=pytest.mark.ipv6),
    ("0.0.0.0", "127.0.0.1", "127.0.0.1"),
    ("0.0.0.0", "127.0.0.2", "127.0.0.3"),
    pytest.param("::", "::1", "::1", marks=pytest.mark.ipv6),
]
"""Where the server listens, where it is asked, and by whom."""


def answered(
    listens: str, asked: str, client: str, queries: list[bytes], replies: int
) -> list[tuple[str, DNSRecord]]:
    """The replies to queries that come together, each with the address that it came from."""
    loop = Loop()

    async def play() -> list[tuple[str, DNSRecord]]:
        upstream = await SlowUpstream.started(loop, 0.02)
        with bound(listens) as listening, bound(client) as asking:
            assembled = Assembled(loop, {"upstream": upstream.server})
            UdpServer(loop, listening, assembled.handler, assembled.counters).start()
            for query in queries:
                asking.sendto(query, (asked, listening.getsockname()[1]))
            found = []
            for _ in range(replies):
                packet, whence = await asyncio.wait_for(loop.sock_recvfrom(asking, 4096), 30)
                found.append((whence[0], DNSRecord.parse(packet)))
            assembled.forwarder.sweep(loop.time() + LIFE)
            assert not assembled.forwarder.busy
            with pytest.raises(BlockingIOError):
                asking.recv(4096)
        upstream.close()
        return found

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(play())


@pytest.mark.parametrize(("listens", "asked", "client"), ADDRESSES)
def test_a_reply_comes_from_where_it_was_asked(listens: str, asked: str, client: str) -> None:
    response = bytearray(query("denied.example."))
    response[2] |= 0x80  # to which nobody may reply
    queries = [query("slow.example."), bytes(response), query("denied.example."), b"short"]
    found = answered(listens, asked, client, queries, 2)
    assert [whence for whence, _ in found] == [asked, asked]
    answers = {str(reply.q.qname): str(reply.short()) for _, reply in found}
    assert answers == {"denied.example.": "0.0.0.0", "slow.example.": "192.0.2.1"}


@pytest.mark.parametrize("listens", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize("name", ["localhost.", "slow.example."])
def test_more_queries_than_fit_a_batch_are_all_answered(listens: str, name: str) -> None:
    many = SLOTS + 3
    queries = [query(name, ident) for ident in range(many)]
    found = answered(listens, "127.0.0.1", "127.0.0.1", queries, many)
    assert sorted(reply.header.id for _, reply in found) == list(range(many))


def test_what_has_begun_since_the_last_query_is_in_force_for_the_next() -> None:
    loop = Loop()

    async def play() -> None:
        with bound("127.0.0.1") as listening, bound("127.0.0.1") as asking:
            assembled = Assembled(loop)
            UdpServer(loop, listening, assembled.handler, assembled.counters).start()
            assembled.engine.changes_at = 0.0
            asking.sendto(query("localhost."), listening.getsockname())
            await asyncio.wait_for(loop.sock_recvfrom(asking, 4096), 30)
            assert assembled.engine.changes_at == math.inf

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(play())
