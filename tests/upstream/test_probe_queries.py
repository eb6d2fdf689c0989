"""The probes of an upstream server: an answer that comes late, and a packet that may be forged."""

import asyncio
from collections.abc import Callable

import pytest
from dnslib import RR, DNSRecord

from resolver.dns import names
from resolver.transport.loop import Loop
from resolver.upstream.probe_queries import ProbeQuery, ask
from tests.exchange.filtered import FILTER, FILTERED
from tests.upstream.forwarding import (
    Upstream,
    address_of,
    answer_one_and_close,
    answering_one,
    good,
)
from tests.upstream.virtual_time import run

NAME = names.parse("probe.example")
HONEST = bytes((192, 0, 2, 1))


def forged(query: DNSRecord) -> bytes:
    response = query.reply()
    response.header.id = query.header.id ^ 1
    return bytes(response.pack())


@pytest.mark.parametrize(("seconds", "is_answered"), [(9.5, True), (10.5, False)])
def test_an_answer_that_comes_late_is_an_answer(seconds: float, is_answered: bool) -> None:
    async def play(loop: Loop) -> None:
        upstream = Upstream(loop, good)
        upstream.delay = seconds
        (response,) = await ask(address_of(upstream), [ProbeQuery(NAME)])
        assert (response is not None) is is_answered
        upstream.close()

    run(play)


def test_after_a_packet_that_may_be_forged_the_probe_asks_over_tcp() -> None:
    async def play(loop: Loop) -> None:
        upstream = Upstream(loop, forged)
        where = upstream.socket.getsockname()
        async with await asyncio.start_server(answer_one_and_close, *where):
            (response,) = await ask(address_of(upstream), [ProbeQuery(NAME)])
            assert response is not None
            assert response.counts[0] == 1
            await asyncio.sleep(1)  # the other end is closed, too
        upstream.close()

    run(play)


def filtered(query: DNSRecord) -> bytes:
    response = query.reply()
    response.add_answer(*RR.fromZone(f"{query.q.qname} 60 A {FILTERED}"))
    return bytes(response.pack())


@pytest.mark.parametrize(("over_tcp", "is_answered"), [(good, True), (filtered, False)])
def test_an_answer_of_the_filter_is_none_and_the_probe_asks_over_tcp(
    over_tcp: Callable[[DNSRecord], bytes], is_answered: bool
) -> None:
    async def play(loop: Loop) -> None:
        upstream = Upstream(loop, filtered)
        where = upstream.socket.getsockname()
        async with await asyncio.start_server(answering_one(over_tcp), *where):
            (response,) = await ask(address_of(upstream), [ProbeQuery(NAME, 0, FILTER)])
            honest = None if response is None else response.packet[-4:]
            assert honest == (HONEST if is_answered else None)
            await asyncio.sleep(1)
        upstream.close()

    run(play)
