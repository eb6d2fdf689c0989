"""UDP sockets to upstream servers: what an iteration's end sends, and what is reported."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from resolver.exchange.servers import Server
from resolver.transport.loop import Loop
from resolver.upstream.udp_sockets import LIFE, OPEN, UdpSocket, UdpSocketPool

LONG = 30.0
TOO_LONG = bytes(70_000)
"""Octets that no datagram can carry."""
Reports = list[tuple[str, Any]]
Play = Callable[[Loop, "Asking", Server, Reports], None]
Answering = Callable[[bytes], list[bytes]]


def _sending(*packets: bytes) -> Answering:
    """These packets with the ID of a query, and then one with another ID, which is suspected."""
    return lambda query: [
        *(query[:2] + packet for packet in packets),
        bytes((query[0] ^ 1, query[1])),
    ]


class Asking:
    """Sends queries by a pool; in the end nothing waits for them any more."""

    def __init__(self, pool: UdpSocketPool[str]) -> None:
        self._pool = pool
        self._sent: list[tuple[UdpSocket[str], int]] = []

    def send(
        self, server: Server, message: bytes, waiting: str, now: float, own_socket: bool = False
    ) -> tuple[UdpSocket[str], int]:
        self._sent.append(self._pool.send(server, message, waiting, now, own_socket))
        return self._sent[-1]

    def end(self) -> None:
        for at, ident in self._sent:
            at.stop_waiting(ident)


def _reported(play: Play, until: int, answering: Answering = lambda query: [query]) -> Reports:
    """What is reported when this is played with sockets to a server that answers like this.

    Else it sends all back.
    """
    loop = Loop()
    reports: Reports = []
    enough = asyncio.Event()

    def report(what: str, of: object) -> None:
        reports.append((what, of))
        if len(reports) >= until:
            enough.set()

    def received(waiting: str, packet: bytes, now: float) -> None:
        report("received", (waiting, packet[2:], now <= loop.time()))

    pool = UdpSocketPool[str](
        loop,
        received,
        lambda server, first, second, _: report("repeated", (server.name, first[2:], second[2:])),
        lambda waiting: report("suspected", waiting),
        lambda waiting: report("refused", waiting),
        lambda waiting: report("unsent", waiting),
    )

    async def played() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as echo:
            echo.bind(("127.0.0.1", 0))
            echo.setblocking(False)

            def answer() -> None:
                query, whose = echo.recvfrom(100)
                for packet in answering(query):
                    echo.sendto(packet, whose)

            loop.add_fast_reader(echo.fileno(), answer)
            server = Server("127.0.0.1", echo.getsockname()[1], "echo")
            asking = Asking(pool)
            play(loop, asking, server, reports)
            await asyncio.wait_for(enough.wait(), LONG)
            asking.end()
            pool.sweep(loop.time() + LIFE)

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(played())
    return reports


@contextmanager
def _nobody() -> Iterator[Server]:
    """A server that refuses: a connected socket holds its port, so that nobody else gets it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", 0))
        held.connect(("127.0.0.1", 9))
        yield Server("127.0.0.1", held.getsockname()[1], "gone")


def test_what_is_to_be_sent_is_sent_at_the_iteration_s_end_and_what_comes_has_its_id() -> None:
    def play(loop: Loop, pool: Asking, server: Server, reports: Reports) -> None:
        for text in ("one", "two"):
            pool.send(server, text.encode(), text, loop.time())
        assert not reports

    assert sorted(_reported(play, 2)) == [
        ("received", ("one", b"one", True)),
        ("received", ("two", b"two", True)),
    ]


@pytest.mark.parametrize(
    ("packets", "repeated"),
    [
        ((b"first", b"second"), [("echo", b"first", b"second")]),
        ((b"first", b"first", b"second"), [("echo", b"first", b"second")]),
        ((b"first", b"second", b"third"), [("echo", b"first", b"second")]),
        ((b"first", b"first", b"first"), []),
    ],
)
def test_another_packet_with_the_id_of_an_answer_is_reported_once_with_the_answer(
    packets: tuple[bytes, ...], repeated: list[tuple[str, bytes, bytes]]
) -> None:
    def play(loop: Loop, pool: Asking, server: Server, reports: Reports) -> None:  # noqa: ARG001
        pool.send(server, b"asked", "one", loop.time())

    reports = _reported(play, 2 + len(repeated), _sending(*packets))
    assert reports[0] == ("received", ("one", b"first", True))
    assert [of for what, of in reports if what == "repeated"] == repeated


def test_on_a_socket_of_one_query_alone_no_second_answer_is_seen() -> None:
    def play(loop: Loop, pool: Asking, server: Server, reports: Reports) -> None:  # noqa: ARG001
        pool.send(server, b"asked", "alone", loop.time(), own_socket=True)
        pool.send(server, b"asked", "one", loop.time())

    reports = _reported(play, 4, _sending(b"first", b"second"))
    repeated = [of for what, of in reports if what == "repeated"]
    assert sorted(what for what, _ in reports) == ["received", "received", "repeated", "suspected"]
    assert repeated == [("echo", b"first", b"second")]


def test_a_query_that_cannot_be_sent_is_reported_and_the_others_are_sent() -> None:
    def play(loop: Loop, pool: Asking, server: Server, reports: Reports) -> None:  # noqa: ARG001
        pool.send(server, TOO_LONG, "too long", loop.time())
        pool.send(server, b"short", "short", loop.time())

    assert _reported(play, 2) == [
        ("unsent", "too long"),
        ("received", ("short", b"short", True)),
    ]


def test_a_query_that_nothing_waits_for_any_more_is_reported_to_nobody() -> None:
    def play(loop: Loop, pool: Asking, server: Server, reports: Reports) -> None:  # noqa: ARG001
        at, ident = pool.send(server, b"never", "never", loop.time(), own_socket=True)
        assert at.stop_waiting(ident) == "never"
        pool.send(server, b"later", "later", loop.time())

    assert _reported(play, 1) == [("received", ("later", b"later", True))]


def test_a_refusal_that_shows_when_the_next_query_is_sent_is_everybody_s() -> None:
    def play(loop: Loop, pool: Asking, server: Server, reports: Reports) -> None:  # noqa: ARG001
        now = loop.time()
        for number in range(OPEN + 1):  # so that two of them share a socket
            pool.send(nobody, b"anybody?", str(number), now)

    with _nobody() as nobody:
        reports = _reported(play, OPEN)
    assert {what for what, _ in reports} == {"refused"}, reports
    asked = sorted(str(number) for number in range(OPEN + 1))
    assert sorted(item for _, waiting in reports for item in waiting) == asked


def test_a_server_that_does_not_listen_is_reported_with_all_that_wait() -> None:
    def play(loop: Loop, pool: Asking, server: Server, reports: Reports) -> None:  # noqa: ARG001
        pool.send(nobody, b"anybody?", "somebody", loop.time())

    with _nobody() as nobody:
        assert _reported(play, 1) == [("refused", ["somebody"])]
