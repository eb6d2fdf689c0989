"""TCP connections to upstreams: how many there are, one that fails, and the end of one."""

import asyncio
import contextlib
import gc
import resource
import socket
from pathlib import Path

import pytest

from resolver.exchange.round import tcp_wait
from resolver.exchange.servers import Server
from resolver.transport.loop import Loop
from resolver.upstream.tcp_connections import (
    CROWD,
    HANDSHAKES,
    IDLE,
    MAX_CONNECTIONS,
    MAX_SILENT,
    SPREAD,
    TcpConnection,
    TcpConnectionPool,
)
from tests.live.uncollected import uncollected
from tests.server.assembled import server_at
from tests.upstream.virtual_time import run

_LONGEST = 15.0
"""Seconds in which a connection is made or not."""


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


class Somebody:
    """Who waits for an answer."""

    vlan = 0


SOMEBODY = Somebody()


def test_a_connection_that_has_idled_out_is_freed_without_a_look_for_cycles() -> None:
    async def play(loop: Loop) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            server = Server("127.0.0.1", listening.getsockname()[1], "upstream")
            lost: list[None] = []
            pool = TcpConnectionPool[Somebody](
                loop, server, lambda *_: None, lambda _: lost.append(None)
            )
            sent = pool.send(b"query", SOMEBODY)
            assert sent is not None
            connection, ident = sent
            await asyncio.sleep(1)
            connection.stop_waiting(ident)
            await asyncio.sleep(IDLE / 2)
            assert not lost
            await asyncio.sleep(IDLE)
            assert lost

    with uncollected():
        run(play)
        assert not any(isinstance(thing, TcpConnection) for thing in gc.get_objects())


def test_a_connection_for_which_no_descriptor_is_left_is_lost_at_once() -> None:
    async def play(loop: Loop) -> None:
        server = Server("127.0.0.1", 53, "upstream")
        lost: list[TcpConnection[Somebody]] = []
        pool = TcpConnectionPool[Somebody](loop, server, lambda *_: None, lost.append)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
        try:
            sent = pool.send(b"query", SOMEBODY)
            await asyncio.sleep(1)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert sent is not None
        assert lost == [sent[0]]
        assert lost[0].all_waiting() == [SOMEBODY]

    run(play)


@pytest.mark.parametrize(("alone", "connections"), [(False, 2), (True, MAX_CONNECTIONS)])
def test_a_query_shares_no_connection_that_a_lost_packet_may_hold_up_if_it_was_lost_before(
    alone: bool, connections: int
) -> None:
    async def play(loop: Loop) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            server = Server("127.0.0.1", listening.getsockname()[1], "upstream")
            pool = TcpConnectionPool[Somebody](loop, server, lambda *_: None, lambda _: None)
            for _ in range(2 * SPREAD):
                pool.send(b"query", SOMEBODY, alone)
            assert len(pool._open) == connections
            await asyncio.sleep(1)
            for connection in tuple(pool._open):
                connection.close()

    run(play)


def test_no_other_connection_is_opened_while_one_with_many_queries_makes_progress() -> None:
    """On a slow link it would wait behind the answers that come, and then take their place."""

    async def play(loop: Loop) -> None:
        async def answer_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readexactly(2 + 2 + 5))
            with contextlib.suppress(ConnectionResetError):  # it has not read all queries
                await reader.read()
            writer.close()

        async with await asyncio.start_server(answer_one, "127.0.0.1", 0) as listening:
            server = server_at(listening.sockets[0].getsockname())
            pool = TcpConnectionPool[Somebody](loop, server, lambda *_: None, lambda _: None)
            pool.send(b"query", SOMEBODY)
            await asyncio.sleep(0.1)
            for _ in range(2 * SPREAD):
                pool.send(b"query", SOMEBODY)
            assert [connection.answered for connection in pool._open] == [1]
            await asyncio.sleep(tcp_wait(server))
            pool.send(b"query", SOMEBODY)
            assert len(pool._open) == 2, "nothing comes any more"
            await asyncio.sleep(1)
            for connection in tuple(pool._open):
                connection.close()
            await asyncio.sleep(1)  # the other end is closed, too

    run(play)


@pytest.mark.parametrize(("octets", "connections"), [(1200, [1, 1, 2, 2, 3]), (300, [2, 3, 4, 5])])
def test_a_crowd_on_a_connection_that_makes_progress_opens_another(
    octets: int, connections: list[int]
) -> None:
    """Once a second where the link bounds it, as full segments show; else at once."""

    async def play(loop: Loop) -> None:
        async def dribble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError):
                while await reader.read(1):
                    writer.write(bytes((0, 1, 0)) * (octets // 3))  # but no answer
                    await writer.drain()
                    await asyncio.sleep(0.1)
            writer.close()

        async with await asyncio.start_server(dribble, "127.0.0.1", 0) as listening:
            server = server_at(listening.sockets[0].getsockname())
            pool = TcpConnectionPool[Somebody](loop, server, lambda *_: None, lambda _: None)
            pool.send(b"query", SOMEBODY)
            await asyncio.sleep(0.1)
            counts = []
            for _ in connections:
                for _ in range(2 * CROWD):
                    pool.send(b"query", SOMEBODY)
                counts.append(len(pool._open))
                await asyncio.sleep(0.5)
            assert counts == connections
            for connection in tuple(pool._open):
                connection.close()
            await asyncio.sleep(1)  # the other end is closed, too

    run(play)


def test_a_server_that_closes_an_idle_connection_may_still_have_many_queries_on_one() -> None:
    async def play(loop: Loop) -> None:
        accepted: list[asyncio.StreamWriter] = []

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted.append(writer)
            if len(accepted) == 1:
                writer.write(await reader.readexactly(2 + 2 + 5))
            await reader.read()
            writer.close()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as listening:
            server = server_at(listening.sockets[0].getsockname())
            lost: list[TcpConnection[Somebody]] = []
            pool = TcpConnectionPool[Somebody](loop, server, lambda *_: None, lost.append)
            pool.send(b"query", SOMEBODY)
            await asyncio.sleep(IDLE / 2)
            sent = pool.send(b"other", SOMEBODY)
            assert sent is not None
            assert sent[0].answered == 1
            accepted[0].transport.abort()
            await asyncio.sleep(1)
            assert lost == [sent[0]]
            for _ in range(SPREAD):
                pool.send(b"query", SOMEBODY)
            assert len(pool._open) == 1
            await asyncio.sleep(1)
            pool._open[0].close()
            await asyncio.sleep(1)  # the other end is closed, too

    run(play)


def test_after_a_failed_handshake_no_other_one_begins_for_a_second() -> None:
    async def play(loop: Loop) -> None:
        accepted: list[asyncio.StreamWriter] = []

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted.append(writer)
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            await reader.read()
            writer.close()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as listening:
            address, port = listening.sockets[0].getsockname()
            server = Server(address, port, "upstream", "", "dns.example")
            lost: list[TcpConnection[Somebody]] = []
            pool = TcpConnectionPool[Somebody](loop, server, lambda *_: None, lost.append)
            pool.send(b"a query that goes nowhere", SOMEBODY)
            while not lost:
                await asyncio.sleep(0.01)
            with pytest.raises(ConnectionError):
                pool.send(b"a query that goes nowhere", SOMEBODY)
            assert len(accepted) == 1
            await asyncio.sleep(1)
            assert pool.send(b"a query that goes nowhere", SOMEBODY) is not None
            while len(lost) < 2:
                await asyncio.sleep(0.01)
            await asyncio.sleep(1)  # the other end is closed, too

    run(play)


def test_connections_that_cannot_be_made_are_given_up_beside_the_silent_ones() -> None:
    async def play(loop: Loop) -> None:
        with contextlib.ExitStack() as opened:
            listening = opened.enter_context(socket.socket())
            listening.bind(("127.0.0.1", 0))
            listening.listen(0)
            for _ in range(2):  # the queue is full, and the kernel drops what else comes
                full = opened.enter_context(socket.socket())
                full.setblocking(False)
                full.connect_ex(listening.getsockname())
            server = server_at(listening.getsockname())
            lost: list[TcpConnection[Somebody]] = []
            pool = TcpConnectionPool[Somebody](loop, server, lambda *_: None, lost.append)
            before = descriptors()
            asked = 3 * MAX_CONNECTIONS
            for _ in range(asked):
                sent = pool.send(b"query", SOMEBODY)
                assert sent is not None
                await asyncio.sleep(0.1)
                sent[0].keep_late(sent[1], loop.time())
            await asyncio.sleep(0.1)
            assert MAX_CONNECTIONS <= descriptors() - before <= HANDSHAKES * MAX_CONNECTIONS
            assert len(lost) == asked - MAX_CONNECTIONS
            await asyncio.sleep(_LONGEST)
            assert len(lost) == asked
            assert descriptors() == before

    run(play)


def test_more_silent_connections_stay_open_while_the_server_answers_on_others() -> None:
    async def play(loop: Loop) -> None:
        accepted = 0
        answering = True

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal accepted
            accepted += 1
            if accepted % 2 and answering:
                writer.write(await reader.readexactly(2 + 2 + 5))
                await writer.drain()
            await reader.read()
            writer.close()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as listening:
            server = server_at(listening.sockets[0].getsockname())
            lost: list[TcpConnection[Somebody]] = []
            pool = TcpConnectionPool[Somebody](loop, server, lambda *_: None, lost.append)

            async def ask(count: int) -> None:
                for _ in range(count):
                    began = loop.time()
                    sent = pool.send(b"query", SOMEBODY, alone=True)
                    assert sent is not None
                    await asyncio.sleep(0.1)
                    if sent[1] in sent[0].waiting:
                        sent[0].keep_late(sent[1], began)
                    else:
                        sent[0].close()

            await ask(4 * MAX_CONNECTIONS)
            assert len(pool._silent) == 2 * MAX_CONNECTIONS
            assert not any(connection.is_given_up for connection in lost)
            await ask(2 * MAX_SILENT)
            assert len(pool._silent) == MAX_SILENT
            answering = False
            await asyncio.sleep(1)
            await ask(1)
            assert len(pool._silent) == MAX_CONNECTIONS
            await asyncio.sleep(_LONGEST)
            for connection in tuple(pool._silent):
                connection.close()
            await asyncio.sleep(1)  # the other end is closed, too

    run(play)


def test_a_lost_packet_of_a_handshake_costs_less_than_the_second_of_the_kernel() -> None:
    async def play(loop: Loop) -> None:
        with contextlib.ExitStack() as opened:
            listening = opened.enter_context(socket.socket())
            listening.bind(("127.0.0.1", 0))
            listening.listen(0)
            full = opened.enter_context(socket.create_connection(listening.getsockname()))
            server = server_at(listening.getsockname())
            server.answered(0.001, loop.time())
            pool = TcpConnectionPool[Somebody](loop, server, lambda *_: None, lambda _: None)
            before = descriptors()
            sent = pool.send(b"query", SOMEBODY)
            assert sent is not None
            await asyncio.sleep(0.05)
            assert pool._connecting.keys() == {sent[0]}, "the kernel has dropped the first packet"
            opened.enter_context(listening.accept()[0])
            await asyncio.sleep(0.1)
            assert not pool._connecting
            await asyncio.sleep(0.1)
            assert descriptors() == before + 2, "the two ends of what was accepted, and this one"
            accepted = opened.enter_context(listening.accept()[0])
            assert accepted.recv(100)[4:] == b"query"
            listening.setblocking(False)
            with pytest.raises(BlockingIOError):
                listening.accept()
            sent[0].close()
            full.close()

    run(play)


def test_a_silent_connection_that_answers_takes_queries_again() -> None:
    async def play(loop: Loop) -> None:
        async def answer_late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            packet = await reader.readexactly(2 + 2 + 5)
            await asyncio.sleep(1)
            writer.write(packet)
            await reader.read()
            writer.close()

        async with await asyncio.start_server(answer_late, "127.0.0.1", 0) as listening:
            server = server_at(listening.sockets[0].getsockname())
            pool = TcpConnectionPool[Somebody](loop, server, lambda *_: None, lambda _: None)
            began = loop.time()
            sent = pool.send(b"query", SOMEBODY)
            assert sent is not None
            await asyncio.sleep(0.5)
            sent[0].keep_late(sent[1], began)
            assert (pool._open, pool._silent) == ([], [sent[0]])
            await asyncio.sleep(1)
            assert (pool._open, pool._silent) == ([sent[0]], [])
            again = pool.send(b"other", SOMEBODY, alone=True)
            assert again is not None
            assert again[0] is sent[0]
            sent[0].close()
            await asyncio.sleep(1)  # the other end is closed, too

    run(play)
