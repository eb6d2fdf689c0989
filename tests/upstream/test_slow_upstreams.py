"""Slow and silent upstreams: their late answers are waited for, and what that holds is bounded."""

import asyncio
import os
from collections import deque
from contextlib import suppress

import pytest
from dnslib import RCODE, DNSRecord

from resolver.exchange.exchange import LATE
from resolver.exchange.round import CLIENT_PATIENCE
from resolver.transport.loop import Loop
from resolver.upstream.attempt_sender import MAX_LATE
from resolver.upstream.forwarder import TICK
from resolver.upstream.tcp_connections import MAX_CONNECTIONS
from tests.upstream.forwarding import answer_one_and_close, good, silent, stage, truncated
from tests.upstream.virtual_time import BOOT, run


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
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a path for each takes a second


def test_the_attempts_that_wait_for_late_answers_are_bounded() -> None:
    """Three over UDP for each of 1,500 names, which are asked for in 15 s."""

    async def play(loop: Loop) -> None:
        with stage(loop, silent) as on:
            before, late, held = descriptors(), [], []
            for number in range(1500):
                on.client.ask(f"{number}.example.")
                await asyncio.sleep(0.01)
                late.append(len(on.assembled.forwarder._sender.late))
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


class Hanging:
    """A TCP server whose first connections give no answers."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.accepted = 0
        self.open = 0
        self.most = 0
        """Connections that were open at a time."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self.open += 1
        self.most = max(self.most, self.open)
        if self.accepted > self.first:
            await answer_one_and_close(reader, writer)
        else:
            await reader.read()  # until the client closes it
            writer.close()
        self.open -= 1


def test_a_tcp_connection_that_gives_nothing_is_not_used_again() -> None:
    async def play(loop: Loop) -> None:
        with stage(loop, truncated) as on:
            server = Hanging(1)
            at = on.upstream.socket.getsockname()
            async with await asyncio.start_server(server.serve, *at):
                on.client.ask("www.example.")
                await on.until_idle()
                ((at_, reply),) = on.client.replies
                assert str(reply.short()) == "192.0.2.1"
                assert at_ - BOOT < 1.5
                await asyncio.sleep(10)
                assert server.open == 0

    run(play)


def test_a_connection_that_is_closed_for_others_counts_not_against_its_server() -> None:
    """One connection for eight names, and one for each second attempt: one is too many."""

    async def play(loop: Loop) -> None:
        with stage(loop, truncated) as on:
            server = Hanging(1 + MAX_CONNECTIONS)
            at = on.upstream.socket.getsockname()
            async with await asyncio.start_server(server.serve, *at):
                for number in range(MAX_CONNECTIONS):
                    on.client.ask(f"{number}.example.")
                await on.until_idle()
                answers = [str(reply.short()) for _, reply in on.client.replies]
                assert answers == ["192.0.2.1"] * MAX_CONNECTIONS
                await asyncio.sleep(LATE + 6)
                assert server.open == 0

    run(play)


def test_the_tcp_connections_that_give_nothing_are_bounded() -> None:
    async def play(loop: Loop) -> None:
        with stage(loop, truncated) as on:
            server = Hanging(1000)
            at = on.upstream.socket.getsockname()
            async with await asyncio.start_server(server.serve, *at):
                for number in range(600):
                    on.client.ask(f"{number}.example.")
                    await asyncio.sleep(0.02)
                await asyncio.sleep(CLIENT_PATIENCE + TICK)
                assert len(on.client.replies) == 600
                assert MAX_CONNECTIONS < server.most <= 2 * MAX_CONNECTIONS + 1
                await asyncio.sleep(LATE + 6)
                assert server.open == 0

    run(play)


def test_an_answer_that_comes_slowly_over_tcp_is_asked_for_once() -> None:
    async def play(loop: Loop) -> None:
        asked = 0

        async def dribble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal asked
            packet = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
            asked += 1
            response = good(DNSRecord.parse(packet))
            for octet in len(response).to_bytes(2, "big") + response:
                writer.write(bytes((octet,)))
                await asyncio.sleep(0.05)
            writer.close()

        with stage(loop, truncated) as on:
            where = on.upstream.socket.getsockname()
            async with await asyncio.start_server(dribble, *where):
                on.client.ask("www.example.")
                await on.until_idle()
                ((at, reply),) = on.client.replies
                assert reply.header.rcode == RCODE.NOERROR
                assert at - BOOT > 2
                assert asked == 1
                await asyncio.sleep(1)  # the other end is closed, too

    run(play)


class ThinLink:
    """A TCP server behind a link for 250 answers a second; 25 of a connection fill a packet."""

    def __init__(self) -> None:
        self.accepted = 0
        self.asked = 0
        self._turns: deque[tuple[asyncio.StreamWriter, list[bytes]]] = deque()
        """The connections with answers, by turns."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        answers: list[bytes] = []
        with suppress(asyncio.IncompleteReadError, ConnectionResetError):
            while True:
                size = int.from_bytes(await reader.readexactly(2), "big")
                response = good(DNSRecord.parse(await reader.readexactly(size)))
                self.asked += 1
                if not answers:
                    self._turns.append((writer, answers))
                answers.append(len(response).to_bytes(2, "big") + response)
        writer.close()

    async def carry(self) -> None:
        """Carry the answers, packet by packet."""
        while True:
            if not self._turns:
                await asyncio.sleep(0.004)
                continue
            writer, answers = self._turns.popleft()
            packet = answers[:25]
            await asyncio.sleep(0.004 * len(packet))
            writer.write(b"".join(packet))
            del answers[: len(packet)]
            if answers:
                self._turns.append((writer, answers))


def test_a_link_that_is_too_slow_for_a_while_carries_each_answer_over_tcp_once() -> None:
    """Of 500 names a second, it carries half; more connections would share the same link."""

    async def play(loop: Loop) -> None:
        with stage(loop, truncated) as on:
            link = ThinLink()
            carrying = asyncio.create_task(link.carry())
            where = on.upstream.socket.getsockname()
            async with await asyncio.start_server(link.serve, *where):
                for number in range(1000):
                    on.client.ask(f"{number}.example.")
                    await asyncio.sleep(0.002)
                await on.until_idle()
                rcodes = {reply.header.rcode for _, reply in on.client.replies}
                assert (rcodes, len(on.client.replies)) == ({RCODE.NOERROR}, 1000)
                assert (link.asked, link.accepted <= 3) == (1000, True)
                assert loop.time() - BOOT < 4.5
                await asyncio.sleep(LATE + 6)  # until all connections are closed
            carrying.cancel()

    run(play)
