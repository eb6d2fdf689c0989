"""The forwarder: whatever upstreams do, every query ends, in time, once, and leaves nothing."""

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest
from dnslib import EDNS0, RCODE, RR, DNSRecord

from resolver.dns import names
from resolver.dns.render import QueryProfile
from resolver.engine.result import PendingReply
from resolver.exchange.attempt import Attempt
from resolver.exchange.entry import CacheEntry
from resolver.exchange.exchange import LATE
from resolver.exchange.in_flight import QueryInFlight, SentAttempt
from resolver.exchange.question import cache_key
from resolver.exchange.round import CLIENT_PATIENCE
from resolver.exchange.servers import Group, Server
from resolver.metrics.definitions import UPSTREAM_QUERIES, UPSTREAM_RESULTS, UPSTREAM_UP
from resolver.metrics.layout import DOWN, UNTRIED, UP
from resolver.transport.loop import Loop
from resolver.upstream.forwarder import LEAST_TICK, TICK
from tests.exchange.rendered_entries import entry_of
from tests.live.uncollected import uncollected
from tests.server.assembled import Assembled, server_at
from tests.upstream.forwarding import (
    Answering,
    Client,
    Upstream,
    answer_one_and_close,
    good,
    silent,
    stage,
    truncated,
)
from tests.upstream.virtual_time import BOOT, run, timers


def test_a_query_whose_upstream_is_silent_ends_with_its_patience() -> None:
    async def play(loop: Loop) -> None:
        with stage(loop, silent) as on:
            on.client.ask("www.example.")
            await on.until_idle()
            ((at, reply),) = on.client.replies
            assert reply.header.rcode == RCODE.SERVFAIL
            assert CLIENT_PATIENCE <= at - BOOT <= CLIENT_PATIENCE + TICK

    run(play)


def test_a_name_is_asked_for_once_its_upstream_has_an_address() -> None:
    """The failure of a second ago is not kept, though no round began."""

    async def play(loop: Loop) -> None:
        with stage(loop, good) as on:
            forwarder = on.assembled.forwarder
            forwarder.use({"": Group("", ())})
            on.client.ask("www.example.")
            await asyncio.sleep(TICK)
            forwarder.use({"": Group("", [on.upstream.server])})
            on.client.ask("www.example.")
            await asyncio.sleep(1.0)
            on.client.ask("www.example.")
            await on.until_idle()
            rcodes = [reply.header.rcode for _, reply in on.client.replies]
            assert rcodes == [RCODE.SERVFAIL, RCODE.SERVFAIL, RCODE.NOERROR]

    run(play)


def test_an_attempt_s_end_is_noticed_a_moment_late_at_the_most() -> None:
    async def play(loop: Loop) -> None:
        with stage(loop, silent) as on:
            wait = on.upstream.server.rto
            for number in range(7):  # so that their ends fall between the ticks
                on.client.ask(f"{number}.example.")
                await asyncio.sleep(TICK / 3)
            await on.until_idle()
            assert len(on.client.replies) == 7
            for number in range(7):
                asked = [at for at, name in on.upstream.asked if name == f"{number}.example."]
                assert len(asked) == 3
                for before, after in pairwise(asked):
                    assert wait <= after - before <= wait + LEAST_TICK + 1e-6

    run(play)


def test_everybody_who_waits_is_answered_once_by_one_question() -> None:
    async def play(loop: Loop) -> None:
        with stage(loop, good) as on:
            for _ in range(5):
                on.client.ask("www.example.")
            await on.until_idle()
            assert len(on.upstream.asked) == 1
            assert [str(reply.short()) for _, reply in on.client.replies] == ["192.0.2.1"] * 5
            assert on.client.done_with == 5

    run(play)


@pytest.mark.parametrize("at_once", [1, 50])
def test_one_timer_looks_for_ends_whatever_they_lead_to(at_once: int) -> None:
    """An end may lead on to a new question: the stale alias's target, here."""

    async def play(loop: Loop) -> None:
        with stage(loop, silent) as on:
            for number in range(20):
                for item in range(at_once):
                    name = f"{number}-{item}.example."
                    on.assembled.cache.put(key(name), expired_alias(name))
                    on.client.ask(name)
                await asyncio.sleep(0.2)
            while on.assembled.forwarder.busy:
                assert timers(loop).count("_look_at_deadlines") <= 1
                await asyncio.sleep(TICK / 2)
            assert len(on.client.replies) == 20 * at_once

    run(play)


def key(name: str) -> bytes:
    return cache_key(names.parse(name), QueryProfile(0, qtype=1), b"")


def expired_alias(name: str) -> CacheEntry:
    """An alias that the upstream did not follow, which may still be served as stale."""
    response = DNSRecord.question(name).reply()
    response.add_answer(*RR.fromZone(f"{name} 60 CNAME target.{name}"))
    return entry_of(bytes(response.pack()), BOOT - 100)


def forged_first(query: DNSRecord) -> bytes:
    """A response with another ID."""
    query.header.id ^= 1
    return good(query)


def failing(query: DNSRecord) -> bytes:
    response = query.reply()
    response.header.rcode = RCODE.SERVFAIL
    return bytes(response.pack())


def unfollowed(query: DNSRecord) -> bytes | None:
    """An alias that is not followed, and nothing about its target."""
    name = str(query.q.qname)
    if name.startswith("target."):
        return None
    response = query.reply()
    response.add_answer(*RR.fromZone(f"{name} 60 CNAME target.{name}"))
    return bytes(response.pack())


@pytest.mark.parametrize("answering", [silent, good, forged_first, failing, truncated, unfollowed])
def test_what_a_query_needed_is_freed_without_a_look_for_cycles(answering: Answering) -> None:
    """Workers look for cycles among their youngest objects only."""

    async def play(loop: Loop) -> None:
        with stage(loop, answering) as on:
            on.client.ask("www.example.")
            await on.until_idle()
            await asyncio.sleep(10)  # timers may hold what they were for until their time
            assert len(on.client.replies) == 1
            assert on.client.done_with == 1
            assert alive() == []

    with uncollected():
        run(play)


def test_what_a_closed_connection_has_not_answered_is_asked_again_at_once() -> None:
    async def play(loop: Loop) -> None:
        with stage(loop, truncated) as on:
            at = on.upstream.socket.getsockname()
            async with await asyncio.start_server(answer_one_and_close, *at):
                for number in range(20):
                    on.client.ask(f"{number}.example.")
                await on.until_idle()
            answers = [str(reply.short()) for _, reply in on.client.replies]
            assert answers == ["192.0.2.1"] * 20
            await asyncio.sleep(10)

    run(play)


def test_a_server_to_which_nothing_can_be_sent_is_down() -> None:
    async def play(loop: Loop) -> None:
        assembled = Assembled(loop, {"upstream": Server("fe80::1", 53, "upstream")})
        client = Client(loop, assembled)
        state = assembled.layout.cell(UPSTREAM_UP, "upstream")
        assert assembled.counters.cells[state] == UNTRIED
        for number in range(3):
            client.ask(f"{number}.example.")
            while assembled.forwarder.busy:
                await asyncio.sleep(TICK)
        assert len(client.replies) == 3
        assert assembled.counters.cells[state] == DOWN

    run(play)


@pytest.mark.parametrize("rcode", [RCODE.REFUSED, RCODE.NOTIMP, RCODE.SERVFAIL])
def test_an_error_of_the_only_server_counts_as_failed(rcode: int) -> None:
    def answering(query: DNSRecord) -> bytes:
        response = query.reply()
        response.header.rcode = rcode
        response.add_ar(EDNS0())  # so that it is no complaint about EDNS
        return bytes(response.pack())

    async def play(loop: Loop) -> None:
        with stage(loop, answering) as on:
            on.client.ask("www.example.")
            await on.until_idle()
            assert counted(on.assembled) == {"failed": 1}

    run(play)


def test_a_connection_that_is_refused_after_a_truncated_response_is_tried_once_more() -> None:
    async def play(loop: Loop) -> None:
        with stage(loop, truncated) as on:
            on.client.ask("www.example.")
            await on.until_idle()
            assert counted(on.assembled) == {"truncated": 1, "unreachable": 2}

    run(play)


def test_a_probe_outlives_its_query_brings_a_server_back_and_leaves_nothing() -> None:
    async def play(loop: Loop) -> None:
        with upstream(loop, silent) as dead, upstream(loop, good) as other:
            both = (("dead", dead), ("other", other))
            servers = {name: server_at(item.socket.getsockname(), name) for name, item in both}
            assembled = Assembled(loop, servers)
            client = Client(loop, assembled)

            async def ask(name: str) -> None:
                client.ask(name)
                while assembled.forwarder.busy:
                    await asyncio.sleep(TICK)

            for number in range(3):
                await ask(f"{number}.example.")
            assert not servers["dead"].up
            asked = len(dead.asked)
            await asyncio.sleep(10)
            await ask("unanswered.example.")
            assert len(dead.asked) == asked + 1
            await asyncio.sleep(LATE)
            assembled.forwarder.sweep(loop.time())
            assert not assembled.forwarder._sender.late
            dead.answering, dead.delay = good, 0.5
            await ask("answered.example.")
            up = [servers["dead"].up]
            await asyncio.sleep(0.5 + TICK)
            up.append(servers["dead"].up)
            assert up == [False, True]
            assert assembled.counters.cells[assembled.layout.cell(UPSTREAM_UP, "dead")] == UP
            assert len(client.replies) == 5
            assert alive() == []
            assembled.forwarder.sweep(loop.time() + 60)

    with uncollected():
        run(play)


def test_a_question_that_only_tcp_answers_is_answered() -> None:
    async def play(loop: Loop) -> None:
        with stage(loop, silent) as on:
            at = on.upstream.socket.getsockname()
            async with await asyncio.start_server(answer_one_and_close, *at):
                for number in range(4):
                    on.client.ask(f"{number}.example.")
                    await on.until_idle()
                assert [str(reply.short()) for _, reply in on.client.replies] == ["192.0.2.1"] * 4
                assert [name for _, name in on.upstream.asked].count("3.example.") == 0
            await asyncio.sleep(10)

    run(play)


def counted(assembled: Assembled) -> dict[str, int]:
    """How often the upstream was asked, by the result."""
    layout, cells = assembled.layout, assembled.counters.cells
    counts = {
        result: cells[layout.cell(UPSTREAM_QUERIES, "upstream", result)]
        for result in UPSTREAM_RESULTS
    }
    return {result: times for result, times in counts.items() if times}


@contextmanager
def upstream(loop: Loop, answering: Answering) -> Iterator[Upstream]:
    made = Upstream(loop, answering)
    try:
        yield made
    finally:
        made.close()


def alive() -> list[str]:
    kinds = (QueryInFlight, SentAttempt, Attempt, PendingReply)
    return [type(thing).__name__ for thing in gc.get_objects() if isinstance(thing, kinds)]
