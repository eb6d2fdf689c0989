"""The config names other servers for a group: what the old ones have answered serves as stale."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from dnslib import RCODE, RR, DNSRecord

from resolver.exchange.round import PATIENCE
from resolver.exchange.servers import Group
from resolver.policy.upstream_groups import ConfiguredGroup, ConfiguredServer, with_other_servers
from resolver.transport.loop import Loop
from resolver.upstream.forwarder import TICK
from tests.upstream.forwarding import Answering, Stage, Upstream, good, silent, stage
from tests.upstream.virtual_time import run

OLD, NEW = "192.0.2.1", "192.0.2.9"
PLAIN = ConfiguredServer("192.0.2.53", 53, "address")
OVER_TLS = ConfiguredServer("192.0.2.53", 853, "address", "dns.example")
BY_NAME = ConfiguredServer("dns.example", 53, "hostname")


def new(query: DNSRecord) -> bytes:
    response = query.reply()
    response.add_answer(*RR.fromZone(f"{query.q.qname} 60 A {NEW}"))
    return bytes(response.pack())


@contextmanager
def other_server(on: Stage, loop: Loop, answering: Answering) -> Iterator[Upstream]:
    """Another server of the group, from now on."""
    other = Upstream(loop, answering)
    try:
        on.assembled.forwarder.use({"": Group("", [other.server])})
        on.assembled.forwarder.ask_anew({b""})
        yield other
    finally:
        other.close()


def answers(on: Stage) -> list[str]:
    return [str(reply.rr[0].rdata) if reply.rr else "" for _, reply in on.client.replies]


def test_the_next_answer_is_that_of_the_new_server() -> None:
    async def play(loop: Loop) -> None:
        with stage(loop, good) as on:
            on.client.ask("www.example.")
            await on.until_idle()
            with other_server(on, loop, new):
                on.client.ask("www.example.")
                await on.until_idle()
            on.client.ask("www.example.")
            assert answers(on) == [OLD, NEW, NEW]

    run(play)


def test_while_the_new_server_is_silent_the_old_answer_is_stale() -> None:
    async def play(loop: Loop) -> None:
        with stage(loop, good) as on:
            on.client.ask("www.example.")
            await on.until_idle()
            with other_server(on, loop, silent):
                asked = loop.time()
                on.client.ask("www.example.")
                await on.until_idle()
            assert answers(on) == [OLD, OLD]
            at, stale = on.client.replies[1]
            assert asked + PATIENCE <= at <= asked + PATIENCE + TICK
            assert stale.rr[0].ttl == 30

    run(play)


def test_what_is_in_flight_is_asked_of_the_new_server() -> None:
    async def play(loop: Loop) -> None:
        with stage(loop, good) as on:
            on.upstream.delay = 0.3
            on.client.ask("www.example.")
            await asyncio.sleep(0.1)
            with other_server(on, loop, new) as other:
                on.client.ask("www.example.")
                await on.until_idle()
                await asyncio.sleep(1)
                assert len(other.asked) == 1
            on.client.ask("www.example.")
            assert answers(on) == [NEW] * 3

    run(play)


def test_without_any_server_what_is_in_flight_ends() -> None:
    async def play(loop: Loop) -> None:
        with stage(loop, silent) as on:
            on.client.ask("www.example.")
            on.client.ask("other.example.")
            await asyncio.sleep(0.1)
            on.assembled.forwarder.use({"": Group("", ())})
            on.assembled.forwarder.ask_anew({b""})
            rcodes = [reply.header.rcode for _, reply in on.client.replies]
            assert rcodes == [RCODE.SERVFAIL] * 2
            assert not on.assembled.forwarder.busy

    run(play)


def test_the_answers_of_other_groups_stay() -> None:
    async def play(loop: Loop) -> None:
        with stage(loop, good) as on:
            on.client.ask("www.example.")
            await on.until_idle()
            on.assembled.forwarder.ask_anew({b"other", b"e"})
            on.client.ask("www.example.")
            assert answers(on) == [OLD, OLD]
            assert len(on.upstream.asked) == 1

    run(play)


def test_a_group_has_other_servers_where_one_is_gone_or_asked_in_another_way() -> None:
    def groups(*servers: ConfiguredServer) -> list[ConfiguredGroup]:
        return [ConfiguredGroup("", servers), ConfiguredGroup("same", (PLAIN,))]

    assert with_other_servers(groups(PLAIN), groups(OVER_TLS)) == {""}
    assert with_other_servers(groups(PLAIN, BY_NAME), groups(PLAIN)) == {""}
    assert with_other_servers(groups(PLAIN), groups(BY_NAME, PLAIN)) == frozenset()
    assert with_other_servers(groups(PLAIN), [ConfiguredGroup("", (PLAIN,))]) == {"same"}
