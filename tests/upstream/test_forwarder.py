"""The forwarder: whatever upstreams do, every query ends, in time, once, and leaves nothing."""

import asyncio
import gc
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from dnslib import RCODE, RR, DNSRecord

from resolver.dns import names
from resolver.dns.render import QueryShape
from resolver.engine.entry import CacheEntry
from resolver.engine.exchange import CLIENT_PATIENCE, LATE
from resolver.engine.question import cache_key
from resolver.engine.result import PendingReply
from resolver.engine.servers import Server
from resolver.server.loop import Loop
from resolver.upstream.forwarder import TICK
from resolver.upstream.inflight import InflightQuery, UpstreamAttempt
from resolver.upstream.late_attempts import MAX_LATE
from tests.engine.rendered_entries import entry_of
from tests.server.assembled import Assembled
from tests.upstream.virtual_time import BOOT, run, timers

CLIENT = bytes((127, 0, 0, 1))
Answering = Callable[[DNSRecord], "bytes | None"]


class Upstream:
    """A name server; ``answering`` gives its response to a query, or None."""

    def __init__(self, loop: Loop, answering: Answering) -> None:
        self._loop = loop
        self.answering = answering
        self.delay = 0.0
        """Seconds before a response is sent."""
        self.asked: list[tuple[float, str]] = []
        """When it was asked for which name."""
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        loop.add_reader(self.socket.fileno(), self._readable)

    @property
    def server(self) -> Server:
        return Server(*self.socket.getsockname(), "upstream")

    def _readable(self) -> None:
        packet, whose = self.socket.recvfrom(4096)
        query = DNSRecord.parse(packet)
        self.asked.append((self._loop.time(), str(query.q.qname)))
        response = self.answering(query)
        if response is not None:
            self._loop.call_later(self.delay, self._send, response, whose)

    def _send(self, response: bytes, whose: object) -> None:
        if self.socket.fileno() >= 0:
            self.socket.sendto(response, whose)  # type: ignore[arg-type]

    def close(self) -> None:
        self._loop.remove_reader(self.socket.fileno())
        self.socket.close()


class Client:
    """It asks, and notes what it is sent."""

    def __init__(self, loop: Loop, assembled: Assembled) -> None:
        self._loop = loop
        self._assembled = assembled
        self.replies: list[tuple[float, DNSRecord]] = []
        self.done_with = 0

    def ask(self, name: str) -> None:
        packet = bytes(DNSRecord.question(name).pack())
        engine, handler = self._assembled.engine, self._assembled.handler
        client = engine.client(CLIENT, False)
        now = self._loop.time()
        reply = handler.handle(packet, client, self, name, now)
        if reply is not None:
            self.send(reply, name, now)

    def destination(self, to: object) -> object:
        return to

    def send(self, packet: bytes, to: object, received: float) -> None:
        assert received <= self._loop.time()
        record = DNSRecord.parse(packet)
        assert str(record.q.qname) == to
        self.replies.append((self._loop.time(), record))

    def done(self) -> None:
        self.done_with += 1


class Stage:
    """An upstream, the parts of a worker, and a client."""

    def __init__(self, loop: Loop, answering: Answering) -> None:
        self.loop = loop
        self.upstream = Upstream(loop, answering)
        self.assembled = Assembled(loop, {"upstream": self.upstream.server})
        self.client = Client(loop, self.assembled)

    async def until_idle(self) -> None:
        while self.assembled.forwarder.busy:
            await asyncio.sleep(TICK)

    def close(self) -> None:
        self.upstream.close()
        self.assembled.forwarder.sweep(self.loop.time() + 60)


@contextmanager
def stage(loop: Loop, answering: Answering) -> Iterator[Stage]:
    made = Stage(loop, answering)
    try:
        yield made
    finally:
        made.close()


def silent(query: DNSRecord) -> None:  # noqa: ARG001 - as it is called
    return None


def good(query: DNSRecord) -> bytes:
    response = query.reply()
    response.add_answer(*RR.fromZone(f"{query.q.qname} 60 A 192.0.2.1"))
    return bytes(response.pack())


def test_a_query_whose_upstream_is_silent_ends_with_its_patience() -> None:
    async def play(loop: Loop) -> None:
        with stage(loop, silent) as on:
            on.client.ask("www.example.")
            await on.until_idle()
            ((at, reply),) = on.client.replies
            assert reply.header.rcode == RCODE.SERVFAIL
            assert CLIENT_PATIENCE <= at - BOOT <= CLIENT_PATIENCE + TICK

    run(play)


def test_an_attempt_s_end_is_noticed_a_tick_late_at_the_most() -> None:
    async def play(loop: Loop) -> None:
        with stage(loop, silent) as on:
            wait = on.upstream.server.wait
            for number in range(7):  # so that their ends fall between the ticks
                on.client.ask(f"{number}.example.")
                await asyncio.sleep(TICK / 3)
            await on.until_idle()
            assert len(on.client.replies) == 7
            for number in range(7):
                asked = [at for at, name in on.upstream.asked if name == f"{number}.example."]
                assert len(asked) == 3
                for before, after in pairwise(asked):
                    assert wait <= after - before <= wait + TICK

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


def test_a_slow_upstream_is_waited_for() -> None:
    async def play(loop: Loop) -> None:
        with stage(loop, good) as on:
            on.upstream.delay = 2.2
            on.client.ask("www.example.")
            await on.until_idle()
            ((at, reply),) = on.client.replies
            assert str(reply.short()) == "192.0.2.1"
            assert at - BOOT == pytest.approx(2.2, abs=TICK)
            await asyncio.sleep(LATE)

    run(play)


def test_a_crowd_of_clients_costs_a_slow_upstream_one_query() -> None:
    async def play(loop: Loop) -> None:
        with stage(loop, good) as on:
            on.upstream.delay = 0.4
            for _ in range(200):
                on.client.ask("www.example.")
                await asyncio.sleep(0.001)
            await on.until_idle()
            assert [str(reply.short()) for _, reply in on.client.replies] == ["192.0.2.1"] * 200
            assert len(on.upstream.asked) == 1

    run(play)


def test_a_name_is_answered_on_the_next_query_after_its_upstream_has_recovered() -> None:
    async def play(loop: Loop) -> None:
        with stage(loop, silent) as on:
            on.client.ask("www.example.")
            await asyncio.sleep(CLIENT_PATIENCE + TICK)
            assert [reply.header.rcode for _, reply in on.client.replies] == [RCODE.SERVFAIL]
            on.upstream.answering = good
            on.client.ask("www.example.")
            await on.until_idle()
            assert str(on.client.replies[1][1].short()) == "192.0.2.1"
            assert loop.time() - BOOT < CLIENT_PATIENCE + 3 * TICK

    run(play)


def descriptors() -> int:
    """How many this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_the_attempts_that_wait_for_late_answers_are_bounded() -> None:
    """Three for each of 1,500 names, which are asked for in 15 s."""

    async def play(loop: Loop) -> None:
        with stage(loop, silent) as on:
            before, late, held = descriptors(), [], []
            for number in range(1500):
                on.client.ask(f"{number}.example.")
                await asyncio.sleep(0.01)
                late.append(len(on.assembled.forwarder._late))
                held.append(descriptors() - before)
            assert max(late) == MAX_LATE
            assert max(held) < MAX_LATE
            await asyncio.sleep(CLIENT_PATIENCE + TICK)
            assert len(on.client.replies) == 1500
            await asyncio.sleep(LATE)
            assert not on.assembled.forwarder.busy
            on.assembled.forwarder.sweep(loop.time() + 60)
            assert descriptors() <= before

    run(play)


@pytest.mark.parametrize("at_once", [1, 50])
def test_one_timer_looks_for_ends_whatever_they_lead_to(at_once: int) -> None:
    """An end may lead on to a new question: the stale alias's target, here."""

    async def play(loop: Loop) -> None:
        with stage(loop, silent) as on:
            for number in range(20):
                for each in range(at_once):
                    name = f"{number}-{each}.example."
                    on.assembled.cache.put(key(name), expired_alias(name))
                    on.client.ask(name)
                await asyncio.sleep(0.2)
            while on.assembled.forwarder.busy:
                assert timers(loop).count("_look_at_deadlines") <= 1
                await asyncio.sleep(TICK / 2)
            assert len(on.client.replies) == 20 * at_once

    run(play)


def key(name: str) -> bytes:
    return cache_key(names.parse(name), QueryShape(0, qtype=1), b"")


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


def truncated(query: DNSRecord) -> bytes:
    response = query.reply()
    response.header.tc = 1
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

    gc.disable()  # as a worker has it
    try:
        run(play)
    finally:
        gc.enable()


async def answer_one_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the first query of a connection, whatever else was asked on it."""
    packet = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
    response = good(DNSRecord.parse(packet))
    writer.write(len(response).to_bytes(2, "big") + response)
    writer.close()


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


def alive() -> list[str]:
    kinds = (InflightQuery, UpstreamAttempt, PendingReply)
    return [type(each).__name__ for each in gc.get_objects() if isinstance(each, kinds)]
